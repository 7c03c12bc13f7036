// Drives `assembly/testing/everything.ts` along all its ways, from both ends.
import type { ConnectOptions, Duration, Host, StreamOptions } from "../host/index.ts";

/** What a visit brings: what clients and upstreams of any kind may send. */
export interface Visit {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | Uint8Array | readonly (string | Uint8Array)[]>>;
  readonly chunks: readonly (string | Uint8Array)[];
  readonly trailers?: Readonly<Record<string, string | Uint8Array>> | undefined;
  /** How calls of the filter are answered. */
  readonly answer: "message" | "metadata" | "close" | "fail" | "never";
  readonly options?: StreamOptions;
}

/** One for each way through the filter. */
export const visits: readonly Visit[] = [
  ...["/", "/reply", "/reset", "/hold", "/hold/reply", "/hold/reset", "/hold/response"],
  ...["/whole", "/drop", "/replace", "/bytes", "/call", "/call/late", "/grpc", "/grpc/cancel", "/grpc/close"],
].flatMap((path) =>
  (["message", "metadata", "close", "fail", "never"] as const).map((answer) => ({
    path,
    headers: { "x-text": "é", "x-many": ["a", "b"] },
    chunks: ["first", "second"],
    trailers: { "x-sum": "6" },
    answer,
  })),
);

/** One request through the filter to its end, however far it comes. */
export function visit(host: Host, { path, headers, chunks, trailers, answer, options }: Visit): void {
  host.onHttpCall("peer");
  host.onGrpcCall("grpc");
  const stream = host.stream({ method: "POST", path, headers, endStream: false }, options);
  for (const chunk of chunks) if (!stream.isOver) stream.sendBody(chunk);
  if (!stream.isOver) trailers === undefined ? stream.sendBody("", { endStream: true }) : stream.sendTrailers(trailers);
  answerCalls(host, answer, { headers, body: chunks[0] ?? "", trailers: trailers ?? {} });
  host.advance("10ms");
  const attempt = stream.attempt();
  if (attempt?.isOpen) attempt.respond({ status: 200, headers: { "x-many": ["c", "d"] }, endStream: false });
  for (const chunk of chunks) if (attempt?.isOpen) attempt.sendBody(chunk);
  if (attempt?.isOpen)
    trailers === undefined ? attempt.sendBody("", { endStream: true }) : attempt.sendTrailers(trailers);
  if (!stream.isOver) stream.disconnect();
}

/** A connection through it, as a network filter. @param pause after each chunk of either end */
export function connect(
  host: Host,
  chunks: readonly (string | Uint8Array)[],
  { options, pause = "10ms" }: { readonly options?: ConnectOptions; readonly pause?: Duration } = {},
): void {
  const connection = host.connect(options);
  for (const chunk of chunks) {
    if (!connection.isClosed) connection.client.send(chunk);
    if (!connection.isClosed && connection.isConnected) connection.server.send(chunk);
    host.advance(pause);
  }
  if (!connection.isClosed) connection.client.reset();
}

function answerCalls(
  host: Host,
  answer: Visit["answer"],
  { headers, body, trailers }: Pick<Visit, "headers"> & { body: string | Uint8Array; trailers: Visit["headers"] },
): void {
  if (answer === "never") return;
  for (const call of host.httpCalls)
    if (call.isOpen) call.answer(answer === "fail" ? { fail: "reset" } : { status: 200, headers, body, trailers });
  for (const call of host.grpcCalls) {
    const isStream = call.method === "Stream";
    if (answer === "metadata" && isStream && call.isOpen) call.sendMetadata(headers);
    if (answer === "message" && call.isOpen) call.send(body);
    if (call.isOpen) call.close({ status: answer === "fail" ? 14 : 0, ...(isStream && { trailingMetadata: headers }) });
  }
}
