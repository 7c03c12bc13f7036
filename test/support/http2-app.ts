// A workload for tests that speaks HTTP/2, and gRPC as far as headers go. Its only argument is a service that it may call.
//
//   /never             no answer
//   /fail              503 with the body `closed`, or status 14 of gRPC in headers
//   /recover           the same at a request's first attempt; later ones echo what comes, then status 0 of gRPC
//   /reset             the stream is reset
//   /trailers          one message, then status 14 of gRPC in trailers
//   /stream            the headers of an answer of gRPC and one message, and no end
//   /message           one message, and status 0 of gRPC after it
//   /next/never        what the service says to the rest of the path; nothing is handed on but what ties the calls together
//   /seen              all other requests so far, as JSON (`SeenRequest[]`)
//   anything else      200, and status 0 of gRPC
import { connect, constants, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { argv, env } from "node:process";
import { emptyMessage } from "./http2.ts";
import { startGrpcUpstream } from "./upstream.ts";

export interface SeenRequest {
  readonly headers: IncomingHttpHeaders;
  readonly isBroken: boolean;
}

const grpc = { "content-type": "application/grpc" };
const [, , service = ""] = argv;
const upstream = await startGrpcUpstream(answer, { port: Number(env["PORT"] ?? 8080), host: env["HOST"] ?? "0.0.0.0" });
process.once("SIGTERM", () => process.exit());

function answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  const path = headers[":path"] ?? "/";
  const id = String(headers["x-request-id"]);
  if (path === "/never") return;
  if (path === "/seen") return void seen(stream);
  if (path === "/reset") return void stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  if (path === "/trailers") return void withTrailers(stream, "14").end(emptyMessage);
  if (path === "/recover" && upstream.seen.filter((one) => one.id === id).length > 1)
    return void stream.pipe(withTrailers(stream, "0"));
  if (path === "/recover" || path === "/fail") return void fail(stream, headers["content-type"]);
  if (path.startsWith("/next/")) return void next(stream, { ...headers, ":path": path.slice("/next".length) });
  if (path === "/message") return void withTrailers(stream, "0").end(emptyMessage);
  if (path !== "/stream") return void stream.respond({ ...grpc, "grpc-status": "0" }, { endStream: true });
  stream.respond(grpc);
  stream.write(emptyMessage);
}

function fail(stream: ServerHttp2Stream, type: string | undefined): void {
  if (type === "application/grpc")
    return void stream.respond({ ...grpc, "grpc-status": "14", "grpc-message": "closed" }, { endStream: true });
  stream.respond({ ":status": 503 });
  stream.end("closed");
}

function withTrailers(stream: ServerHttp2Stream, status: string): ServerHttp2Stream {
  stream.respond(grpc, { waitForTrailers: true });
  return stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": status }));
}

function seen(stream: ServerHttp2Stream): void {
  const others = upstream.seen.filter(({ headers }) => headers[":path"] !== "/seen");
  stream.respond();
  stream.end(JSON.stringify(others));
}

/** A call of its own, which it does not give up where nobody waits for it any more. */
function next(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  const session = connect(env["http_proxy"] ?? `http://${service}`);
  const handedOn = [":method", ":path", "content-type", "x-request-id"].flatMap((name) =>
    headers[name] === undefined ? [] : [[name, headers[name]]],
  );
  const call = session.request({ ":authority": service, te: "trailers", ...Object.fromEntries(handedOn) });
  const end = (code = constants.NGHTTP2_INTERNAL_ERROR): void => {
    session.destroy();
    if (!stream.closed) stream.close(code);
  };
  session.on("error", () => end());
  call.on("error", () => {}).on("response", (answered) => stream.closed || stream.respond(answered));
  call.on("data", (data: Buffer) => stream.closed || stream.write(data));
  call.once("end", () => stream.closed || stream.end());
  call.once("close", () => end(call.rstCode));
  stream.on("data", (data: Buffer) => call.write(data)).once("end", () => call.end());
}
