// The caller of a real Envoy: HTTP/2, so that each chunk is a frame, and trailers and resets are what they are.
import * as http2 from "node:http2";
import type { Pair } from "../../sdk/host/pairs.ts";
import type { RequestScript } from "./script.ts";

/** What came back. */
export interface Received {
  readonly headers: readonly Pair[];
  readonly body: string;
  readonly trailers: readonly Pair[];
  readonly isCut: boolean;
}

/** A connection to Envoy. */
export interface Caller {
  /** Its ip:port. */
  readonly source: string;
  /** @param leave resolves when the caller is to go away */
  send(request: RequestScript, leave: Promise<void>): Promise<Received>;
  close(): void;
}

export async function connect(port: number): Promise<Caller> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  await new Promise((resolve, reject) => session.once("connect", resolve).once("error", reject));
  session.on("error", () => {}); // what it means for a request, the request's stream says
  const { localPort } = session.socket;
  return {
    source: `127.0.0.1:${localPort}`,
    send: (request, leave) => send(session, request, leave),
    close: () => session.destroy(),
  };
}

async function send(
  session: http2.ClientHttp2Session,
  request: RequestScript,
  leave: Promise<void>,
): Promise<Received> {
  const { method = "GET", path = "/", host = "service.test", headers = [], body = [], trailers = [] } = request;
  const pseudo = { ":authority": host, ":path": path, ":method": method, ":scheme": "http" };
  const endStream = body.length === 0 && trailers.length === 0;
  const stream = session.request(headersOf([...Object.entries(pseudo), ...headers]), {
    endStream,
    waitForTrailers: trailers.length > 0,
  });
  const received = receive(stream);
  if (trailers.length > 0) stream.once("wantTrailers", () => stream.sendTrailers(headersOf(trailers)));
  for (const chunk of body) await new Promise((resolve) => stream.write(Buffer.from(chunk, "latin1"), resolve));
  if (!endStream) stream.end();
  if (request.leaves) {
    await leave;
    session.destroy();
  }
  return { ...(await received), ...(request.leaves && { isCut: true }) };
}

function receive(stream: http2.ClientHttp2Stream): Promise<Received> {
  let headers: Pair[] = [];
  let trailers: Pair[] = [];
  const chunks: Buffer[] = [];
  let isWhole = false;
  stream.on("response", (_headers, _flags, raw) => {
    headers = pairsOf(raw);
  });
  stream.on("trailers", (_headers, _flags, raw) => {
    trailers = pairsOf(raw);
  });
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("end", () => {
    isWhole = true;
  });
  stream.on("error", () => {}); // "close" follows
  return new Promise((resolve) => {
    stream.on("close", () => {
      const body = Buffer.concat(chunks).toString("latin1");
      resolve({ headers, body, trailers, isCut: !isWhole || stream.rstCode !== 0 });
    });
  });
}

/** Headers for node:http2: several values of a name become a list. */
export function headersOf(pairs: readonly Pair[]): http2.OutgoingHttpHeaders {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of pairs) {
    const old = headers[name];
    headers[name] = old === undefined ? value : [...(typeof old === "string" ? [old] : old), value];
  }
  return headers;
}

/** `[name, value, name, value]` -> pairs. */
export function pairsOf(raw: readonly string[] | undefined): Pair[] {
  return (raw ?? []).flatMap((name, i, all) => (i % 2 === 0 ? [[name, all[i + 1] ?? ""] as const] : []));
}
