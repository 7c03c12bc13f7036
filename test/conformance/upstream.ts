// The upstream of a real Envoy: remembers what reaches it and plays the answers of the script that runs.
import * as http2 from "node:http2";
import type { AddressInfo } from "node:net";
import type { Pair } from "../../sdk/host/pairs.ts";
import { headersOf, pairsOf } from "./caller.ts";
import type { Answer } from "./script.ts";

/** One attempt as it arrived. */
export interface Arrived {
  readonly headers: readonly Pair[];
  body: string;
  trailers: readonly Pair[];
}

export interface Upstream {
  /** ip:port. */
  readonly address: string;
  /**
   * Begins a script.
   *
   * @returns its attempts, which grow, and a promise for the first that is left without answer
   */
  play(answers: readonly Answer[]): { readonly attempts: readonly Arrived[]; readonly unanswered: Promise<void> };
  /** Keeps its answers back. @returns what resolves when the next request has arrived, and what lets it answer */
  hold(): { readonly arrived: Promise<void>; release(): void };
  stop(): Promise<void>;
}

export async function startUpstream(): Promise<Upstream> {
  const sessions = new Set<http2.ServerHttp2Session>();
  let attempts: Arrived[] = [];
  let answers: readonly Answer[] = [];
  let onUnanswered = () => {};
  let onArrived = () => {};
  let held = Promise.resolve();
  const server = http2.createServer();
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  server.on("stream", (stream, _headers, _flags, raw) => {
    const arrived: Arrived = { headers: pairsOf(raw), body: "", trailers: [] };
    attempts.push(arrived);
    const answer = answers[attempts.length - 1] ?? answers.at(-1) ?? { status: 200 };
    stream.on("error", () => {});
    stream.on("trailers", (_trailers, _trailerFlags, rawTrailers) => {
      arrived.trailers = pairsOf(rawTrailers);
    });
    stream.setEncoding("latin1").on("data", (text: string) => {
      arrived.body += text;
    });
    if (answer === "nothing") onUnanswered();
    else
      stream.once("end", () => {
        onArrived();
        void held.then(() => reply(stream, answer));
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    play(script) {
      attempts = [];
      answers = script;
      held = Promise.resolve();
      const unanswered = new Promise<void>((resolve) => {
        onUnanswered = resolve;
      });
      return { attempts, unanswered };
    },
    hold() {
      let release = () => {};
      held = new Promise((resolve) => {
        release = resolve;
      });
      const arrived = new Promise<void>((resolve) => {
        onArrived = resolve;
      });
      return { arrived, release: () => release() };
    },
    async stop() {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function reply(stream: http2.ServerHttp2Stream, answer: Exclude<Answer, "nothing">): Promise<void> {
  if ("reset" in answer) {
    if (answer.reset === "connection-termination") stream.session?.destroy();
    else
      stream.close(
        answer.reset === "refused-stream"
          ? http2.constants.NGHTTP2_REFUSED_STREAM
          : http2.constants.NGHTTP2_INTERNAL_ERROR,
      );
    return;
  }
  const { status, headers = [], body = [], trailers = [], breaksOff = false } = answer;
  const endStream = body.length === 0 && trailers.length === 0 && !breaksOff;
  stream.respond(headersOf([[":status", String(status)], ...headers]), {
    endStream,
    sendDate: false,
    waitForTrailers: trailers.length > 0,
  } as http2.ServerStreamResponseOptions);
  if (trailers.length > 0) stream.once("wantTrailers", () => stream.sendTrailers(headersOf(trailers)));
  for (const chunk of body) await new Promise((resolve) => stream.write(Buffer.from(chunk, "latin1"), resolve));
  if (breaksOff) stream.session?.destroy();
  else if (!endStream) stream.end();
}
