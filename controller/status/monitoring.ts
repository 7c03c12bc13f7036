// EDGE. The monitoring port (Istio's 15014): what the control plane knows, as JSON.
import { createServer, type Server } from "node:http";

/** Pages by path, made when they are asked for. */
export type Pages = Readonly<Record<string, () => unknown>>;

/**
 * Serves `/ready` (200 once `isReady`, else 503) and the pages as JSON; every other path is a 404 that names them.
 *
 * @returns the server, once it listens
 * @throws where the address cannot be had
 */
export function serveMonitoring(
  { host, port }: { readonly host: string; readonly port: number },
  { isReady, pages }: { readonly isReady: () => boolean; readonly pages: Pages },
): Promise<Server> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const page = pages[path];
    if (path === "/ready") response.writeHead(isReady() ? 200 : 503).end(isReady() ? "ready\n" : "not ready\n");
    else if (page !== undefined)
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(page(), null, 2));
    else response.writeHead(404).end(`not found; there are ${["/ready", ...Object.keys(pages)].join(", ")}\n`);
  });
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(new Error(`monitoring cannot listen on ${host}:${port}: ${error.message}`)));
    server.listen({ host, port }, () => resolve(server));
  });
}
