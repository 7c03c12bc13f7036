import type { Server } from "node:http";

/** Listens, says so, and on SIGTERM ends after the requests in flight. */
export function serveUntilTerm(server: Server, { port, host }: { port: number; host: string }): void {
  server.keepAliveTimeout = 3_600_000; // longer than a proxy keeps an idle connection, so that none is closed under a request
  server.listen(port, host, () => console.log(`listening on ${host}:${port}`));
  process.once("SIGTERM", () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
}
