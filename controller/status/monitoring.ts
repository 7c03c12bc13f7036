// EDGE. The monitoring port (Istio's 15014): what the control plane knows, as JSON.
import { createServer, type Server } from "node:http";

/** Pages by path, made when they are asked for. */
export type Pages = Readonly<Record<string, () => unknown>>;

/**
 * Serves the pages as JSON, and `/ready`; every other path is a 404 that names them.
 *
 * @returns the server, once it listens
 * @throws where the address cannot be had
 */
export function serveMonitoring(
  { host, port }: { readonly host: string; readonly port: number },
  pages: Pages,
): Promise<Server> {
  const all: Pages = { ...pages, "/ready": () => "ready" };
  const server = createServer((request, response) => {
    const [path = "/"] = (request.url ?? "/").split("?", 1); // URL would throw for some paths, such as //
    const page = all[path];
    if (page === undefined) response.writeHead(404).end(`not found; there are ${Object.keys(all).join(", ")}\n`);
    else response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(page(), null, 2));
  });
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(new Error(`monitoring cannot listen on ${host}:${port}: ${error.message}`)));
    server.listen({ host, port }, () => resolve(server));
  });
}
