// EDGE. The monitoring port (Istio's 15014): what the control plane knows, as JSON. It tells much of a mesh, so it listens
// on loopback, in a pod too, where `sluice` reaches it by the API server's port-forward as whoever may do that.
import { createServer, type Server } from "node:http";

/** Pages by path, made when they are asked for. */
export type Pages = Readonly<Record<string, () => unknown>>;

const host = "127.0.0.1";

/**
 * Serves the pages as JSON; every other path is a 404 that names them.
 *
 * @returns the server, once it listens
 * @throws where the port cannot be had
 */
export function serveMonitoring(port: number, pages: Pages): Promise<Server> {
  const server = createServer((request, response) => {
    const [path = "/"] = (request.url ?? "/").split("?", 1); // URL would throw for some paths, such as //
    const page = pages[path];
    if (page === undefined) response.writeHead(404).end(`not found; there are ${Object.keys(pages).join(", ")}\n`);
    else response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(page(), null, 2));
  });
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(new Error(`monitoring cannot listen on ${host}:${port}: ${error.message}`)));
    server.listen({ host, port }, () => resolve(server));
  });
}
