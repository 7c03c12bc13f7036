// The upstream of the host: remembers what reaches it and plays a script's answers, to attempts and to callouts alike.
import { toArray } from "../../sdk/host/bytes.ts";
import { HeaderMap } from "../../sdk/host/header-map.ts";
import type {
  GrpcCall,
  HeadersInit,
  HeaderView,
  Host,
  HttpCall,
  HttpCallAnswer,
  UpstreamAttempt,
} from "../../sdk/host/index.ts";
import type { Pair } from "../../sdk/host/pairs.ts";
import { headerLines, textOf } from "./observation.ts";
import type { Answer, Attempt, Script } from "./script.ts";

export class HostUpstream {
  /** All that has arrived so far. */
  readonly arrived: Attempt[] = [];
  readonly #answers: readonly Answer[];
  readonly #host: Host;
  readonly #seen = new Set<GrpcCall>();

  constructor(host: Host, { answers = [] }: Script) {
    this.#host = host;
    this.#answers = answers;
    host.onHttpCall("open", (call) => this.#answerCall(call));
    host.onHttpCall("closed", () => ({ fail: "refused" }));
    host.onHttpCall("none", "no endpoint");
    host.onGrpcCall("open");
    host.onGrpcCall("closed", (call) => call.reset("connection-failure"));
    host.onGrpcCall("none", "no endpoint");
  }

  /** Answers an attempt. @returns the answer */
  answer(attempt: UpstreamAttempt): Answer {
    const { headers, body, trailers } = attempt;
    const answer = this.#arrive({ headers, body, trailers });
    if (answer === "nothing") return answer;
    if ("reset" in answer) {
      attempt.reset(answer.reset);
      return answer;
    }
    const { status, headers: sent = [], body: chunks = [], trailers: last = [], breaksOff = false } = answer;
    const endStream = chunks.length === 0 && last.length === 0 && !breaksOff;
    attempt.respond({ status, headers: headersInit(sent), endStream });
    for (const chunk of chunks) if (attempt.isOpen) attempt.sendBody(toArray(chunk));
    if (!attempt.isOpen) return answer;
    if (breaksOff) attempt.reset("connection-termination");
    else if (last.length > 0) attempt.sendTrailers(headersInit(last));
    else if (chunks.length > 0) attempt.sendBody("", { endStream: true });
    return answer;
  }

  /** An attempt that is not complete: it reaches the upstream, and is not answered. */
  note({ headers, body, trailers }: UpstreamAttempt): void {
    this.#arrive({ headers, body, trailers });
  }

  /** Answers the gRPC calls and streams that are complete. */
  answerGrpc(): void {
    for (const call of this.#host.grpcCalls) {
      if (call.cluster !== "open" || !call.isComplete || this.#seen.has(call)) continue;
      this.#seen.add(call);
      answerGrpc(call, this.#arrive({ headers: call.metadata, body: framesOf(call.messages) }));
    }
  }

  #answerCall(call: HttpCall): HttpCallAnswer | undefined {
    const answer = this.#arrive(call);
    if (answer === "nothing") return undefined;
    if ("reset" in answer) return { fail: answer.reset === "connection-failure" ? "refused" : answer.reset };
    if (answer.breaksOff) return { fail: "reset" };
    const { status, headers = [], body = [], trailers = [] } = answer;
    const some = trailers.length > 0 ? { trailers: headersInit(trailers) } : {};
    return { status, headers: headersInit(headers), body: toArray(body.join("")), ...some };
  }

  #arrive({
    headers,
    body,
    trailers,
  }: {
    readonly headers: HeaderView;
    readonly body: string;
    readonly trailers?: HeaderView | undefined;
  }): Answer {
    const answer = this.#answers[this.arrived.length] ?? this.#answers.at(-1) ?? { status: 200 };
    const arrived = { headers: linesOf(headers), body: textOf(body), trailers: trailers ? linesOf(trailers) : [] };
    this.arrived.push(arrived);
    return answer;
  }
}

function answerGrpc(call: GrpcCall, answer: Answer): void {
  if (answer === "nothing") return;
  if ("reset" in answer) {
    call.reset(answer.reset);
    return;
  }
  const { status: httpStatus, headers = [], body = [], trailers = [] } = answer;
  const isTrailersOnly = body.length === 0 && trailers.length === 0;
  if (!isTrailersOnly && isStream(call)) call.sendMetadata(withoutGrpc(headers));
  for (const message of messagesOf(body.join(""))) call.send(message);
  if (!call.isOpen) return;
  const end = isTrailersOnly ? headers : trailers;
  const of = (name: string) => end.find((pair) => pair[0] === name)?.[1] ?? "";
  const [status, text] = [Number(of("grpc-status")), of("grpc-message")];
  call.close({ httpStatus, status, text, trailingMetadata: withoutGrpc(end) });
}

/** Of a call the filter hears nothing of metadata. */
function isStream({ metadata }: GrpcCall): boolean {
  return !metadata.has("grpc-timeout");
}

/** Without what the host writes itself. */
function withoutGrpc(headers: readonly Pair[]): HeadersInit {
  return headersInit(headers.filter(([name]) => !/^(content-type|grpc-status|grpc-message)$/.test(name)));
}

/** Messages as gRPC frames them: a byte for compression, the size, the bytes. */
function framesOf(messages: readonly Uint8Array[]): string {
  const frames = messages.flatMap((message) => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    return [head, message];
  });
  return Buffer.concat(frames).toString("latin1");
}

function messagesOf(frames: string): Uint8Array[] {
  const bytes = Buffer.from(frames, "latin1");
  const messages: Uint8Array[] = [];
  for (let at = 0, size = 0; at < bytes.length; at += 5 + size) {
    size = bytes.readUInt32BE(at + 1);
    messages.push(bytes.subarray(at + 5, at + 5 + size));
  }
  return messages;
}

/** Header lines as they were on the wire. */
export function linesOf(headers: HeaderView): string[] {
  return headers instanceof HeaderMap ? headerLines(headers.pairs) : [];
}

export function headersInit(pairs: readonly Pair[]): HeadersInit {
  const headers: Record<string, Uint8Array[]> = {};
  for (const [name, value] of pairs) headers[name] = [...(headers[name] ?? []), toArray(value)];
  return headers;
}
