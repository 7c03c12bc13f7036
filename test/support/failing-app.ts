// A workload for tests that speaks HTTP/2, and gRPC as far as headers go, and fails.
//
//   /fail      503, or status 14 of gRPC in headers, `closed`
//   /recover   the same at a request's first attempt; later ones echo what comes, then status 0 of gRPC
//   /reset     the stream is reset
//   /trailers  one message, then status 14 of gRPC in trailers
//   /attempts  how often each path was asked for, as JSON
import type { ServerHttp2Stream } from "node:http2";
import { env } from "node:process";
import { emptyMessage } from "./http2.ts";
import { startGrpcUpstream } from "./upstream.ts";

const grpc = { "content-type": "application/grpc" };
const attempts: Record<string, number> = {};
const known = new Set<unknown>();

await startGrpcUpstream(
  (stream, { ":path": path = "/", "content-type": type, "x-request-id": id }) => {
    if (path === "/attempts") return void respond(stream, 200, JSON.stringify(attempts));
    attempts[path] = (attempts[path] ?? 0) + 1;
    if (path === "/reset") return void stream.close(2);
    if (path === "/trailers") return void withTrailers(stream, "14").end(emptyMessage);
    if (path === "/recover" && known.has(id)) return void stream.pipe(withTrailers(stream, "0"));
    known.add(id);
    if (type !== grpc["content-type"]) return void respond(stream, 503, "closed");
    stream.respond({ ...grpc, "grpc-status": "14", "grpc-message": "closed" }, { endStream: true });
  },
  { port: Number(env["PORT"] ?? 8080), host: env["HOST"] ?? "0.0.0.0" },
);
process.once("SIGTERM", () => process.exit());

function respond(stream: ServerHttp2Stream, status: number, body: string): void {
  stream.respond({ ":status": status });
  stream.end(body);
}

function withTrailers(stream: ServerHttp2Stream, status: string): ServerHttp2Stream {
  stream.respond(grpc, { waitForTrailers: true });
  stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": status }));
  return stream;
}
