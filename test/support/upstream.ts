// Upstreams inside the test process, which remember what reached them.
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import * as http2 from "node:http2";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import type { AddressInfo, Server } from "node:net";
import type { Target } from "./http.ts";

/** One attempt as it reached the upstream. */
export interface Seen {
  readonly id: string;
  readonly headers: IncomingHttpHeaders;
  /** Whether the other side broke it off before its answer was complete. */
  isBroken: boolean;
}

export interface Upstream {
  readonly port: number;
  readonly seen: readonly Seen[];
  stop(): Promise<void>;
}

/** An HTTP/1.1 server on a free port of 127.0.0.1, with TLS where `tls` says how. */
export async function startUpstream(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  tls?: ServerOptions,
): Promise<Upstream> {
  const seen: Seen[] = [];
  const receive = (request: IncomingMessage, response: ServerResponse): void => {
    const one: Seen = { id: String(request.headers["x-request-id"]), headers: request.headers, isBroken: false };
    seen.push(one);
    response.once("close", () => {
      one.isBroken = !response.writableFinished;
    });
    answer(request, response);
  };
  const server = tls === undefined ? createServer(receive) : createTlsServer(tls, receive);
  const port = await listen(server);
  const stop = () => {
    server.closeAllConnections();
    return close(server);
  };
  return { port, seen, stop };
}

/** A gRPC server as far as headers go, on a free port of 127.0.0.1: `answer` is given the stream with the request's headers. */
export async function startGrpcUpstream(
  answer: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void,
  address: Partial<Target> = {},
): Promise<Upstream> {
  const seen: Seen[] = [];
  const sessions = new Set<http2.ServerHttp2Session>();
  const server = http2.createServer();
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  server.on("stream", (stream, headers) => {
    const one: Seen = { id: String(headers["x-request-id"]), headers, isBroken: false };
    seen.push(one);
    stream.once("close", () => {
      one.isBroken = stream.rstCode !== http2.constants.NGHTTP2_NO_ERROR;
    });
    stream.on("error", () => {});
    answer(stream, headers);
  });
  const port = await listen(server, address);
  const stop = () => {
    for (const session of sessions) session.destroy();
    return close(server);
  };
  return { port, seen, stop };
}

async function listen(server: Server, { port = 0, host = "127.0.0.1" }: Partial<Target> = {}): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return (server.address() as AddressInfo).port;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
