// HTTP/2 calls of tests, and gRPC as far as headers go: each has a connection of its own, so that threads take turns, unless
// it is given one.
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from "node:http2";
import type { Duplex } from "node:stream";

export interface Http2Reply {
  /** Headers and trailers together. */
  headers: IncomingHttpHeaders;
  /** Each char is a byte. */
  body: string;
  /** NO_ERROR at a whole end, else that of the reset, or CANCEL where the connection broke. */
  code: number;
}

export interface Http2Exchange {
  /** To send on. */
  readonly stream: ClientHttp2Stream;
  /** What came so far. */
  readonly reply: Readonly<Http2Reply>;
  /** The reply at its end, also where that is a reset; rejects where there is no connection. */
  readonly end: Promise<Readonly<Http2Reply>>;
}

/** A port of 127.0.0.1, a connection for this exchange, or a session that it shares with others. */
export type Http2Target = number | Duplex | ClientHttp2Session;

/** One gRPC message: not compressed, of length 0. */
export const emptyMessage = new Uint8Array(5);

/** Sends headers, and leaves the request open. */
export function openHttp2(target: Http2Target, headers: Readonly<Record<string, string>>): Http2Exchange {
  const isShared = typeof target === "object" && "request" in target;
  const session = isShared ? target : connectTo(target);
  const stream = session.request(headers, { endStream: false });
  const reply: Http2Reply = { headers: {}, body: "", code: constants.NGHTTP2_NO_ERROR };
  const add = (more: IncomingHttpHeaders): void => {
    reply.headers = { ...reply.headers, ...more };
  };
  stream.on("response", add).on("trailers", add);
  stream.setEncoding("latin1").on("data", (text: string) => {
    reply.body += text;
  });
  const end = new Promise<Http2Reply>((resolve, reject) => {
    if (!isShared) session.on("error", reject);
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ERR_HTTP2_STREAM_ERROR") reject(error); // which is a reset
    });
    stream.once("close", () => {
      reply.code = stream.rstCode;
      resolve(reply);
    });
  }).finally(() => isShared || session.destroy());
  end.catch(() => {}); // whoever waits for it is told
  return { stream, reply, end };
}

function connectTo(target: number | Duplex): ClientHttp2Session {
  if (typeof target === "number") return connect(`http://127.0.0.1:${target}`);
  return connect("http://localhost", { createConnection: () => target });
}

/** A whole exchange: what is sent is sent, and the reply has ended. */
export async function http2Call(
  target: Http2Target,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array = new Uint8Array(0),
): Promise<Readonly<Http2Reply>> {
  const { stream, end } = openHttp2(target, headers);
  stream.end(body);
  return await end;
}

/** Headers of a gRPC call with these in addition. */
export function grpcHeaders(more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const type = { "content-type": "application/grpc", te: "trailers" };
  return { ":method": "POST", ":path": "/shop.Catalog/Items", ...type, ...more };
}

/** Headers and trailers of a gRPC call with an empty message, together. @throws where it is reset */
export async function grpcCall(
  port: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<IncomingHttpHeaders> {
  const reply = await http2Call(port, grpcHeaders(headers), emptyMessage);
  if (reply.code !== constants.NGHTTP2_NO_ERROR) throw new Error(`the call was reset with code ${reply.code}`);
  return reply.headers;
}
