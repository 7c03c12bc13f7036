// A collector for tests, started by a Deployment's command: takes spans and shows traces by the API of Zipkin.
//
//   POST /api/v2/spans     a list of spans as JSON
//   GET  /api/v2/traces    the spans by trace
//   GET  /health           200
import { createServer } from "node:http";
import { env } from "node:process";
import { json } from "node:stream/consumers";
import type { Span } from "./spans.ts";

const traces = new Map<string, Span[]>();

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url ?? "/", "http://zipkin");
  if (request.method === "POST" && pathname === "/api/v2/spans") {
    for (const span of (await json(request)) as Span[])
      traces.set(span.traceId, [...(traces.get(span.traceId) ?? []), span]);
    response.writeHead(202).end();
  } else if (pathname === "/api/v2/traces") {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify([...traces.values()]));
  } else response.writeHead(pathname === "/health" ? 200 : 404).end();
});

server.listen(Number(env["PORT"] ?? 9411), env["HOST"] ?? "0.0.0.0");
process.once("SIGTERM", () => process.exit()); // as process 1 of a container it would not end without this
