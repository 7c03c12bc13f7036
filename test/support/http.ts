// HTTP calls of tests: one request, and a steady load over several kept-alive connections.
import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { request as secureRequest } from "node:https";
import type { ConnectionOptions } from "node:tls";

export interface Target {
  readonly host: string;
  readonly port: number;
}

export interface Call extends Target {
  /** Default `/`; absolute (`http://catalog.shop/items`) where the target is an HTTP proxy. */
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly agent?: Agent;
  /** The caller leaves when it is aborted. */
  readonly signal?: AbortSignal;
  /** Default: plain text. */
  readonly tls?: ConnectionOptions;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends one request and reads the whole reply; rejects where the connection breaks before its end. */
export function call({ agent, tls, body: toSend, ...options }: Call): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const send = tls === undefined ? request : secureRequest;
    const sent = send({ ...tls, ...options, agent: agent ?? false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => {
        body += text;
      });
      response.once("error", reject);
      response.once("end", () =>
        response.complete
          ? resolve({ status: response.statusCode ?? 0, headers: response.headers, body })
          : reject(new Error("the reply was cut off")),
      );
    });
    sent.once("error", reject);
    sent.end(toSend);
  });
}

export interface LoadOptions extends Omit<Call, "agent"> {
  /** Each with one request at a time. */
  readonly connections: number;
  /** False: each request has a connection of its own. Default: true. */
  readonly keepAlive?: boolean;
}

export interface LoadResult<T = Reply> {
  readonly replies: readonly T[];
  /** Requests that got no whole reply, with why. */
  readonly broken: readonly string[];
}

/** A load that runs until it is stopped, and how it goes. */
export interface Load<T = Reply> {
  /** Whole replies so far. */
  count(): number;
  stop(): Promise<LoadResult<T>>;
}

export function startLoad({ connections, keepAlive = true, ...target }: LoadOptions): Load {
  const agent = new Agent({ keepAlive, maxSockets: connections });
  const load = keepAsking(connections, () => call({ ...target, agent }));
  return { ...load, stop: () => load.stop().finally(() => agent.destroy()) };
}

/** A load of any kind: asks again and again, so many times at once. */
export function keepAsking<T>(parallel: number, ask: () => Promise<T>): Load<T> {
  const replies: T[] = [];
  const broken: string[] = [];
  let stopping = false;
  const work = async (): Promise<void> => {
    while (!stopping) {
      try {
        replies.push(await ask());
      } catch (error) {
        broken.push(String(error));
      }
    }
  };
  const workers = Array.from({ length: parallel }, work);
  return {
    count: () => replies.length,
    async stop() {
      stopping = true;
      await Promise.all(workers);
      return { replies, broken };
    },
  };
}

/** How many replies had each value: `{ "200": 37, "503": 2 }`. */
export function tally<T>(items: readonly T[], key: (item: T) => unknown): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[String(key(item))] = (counts[String(key(item))] ?? 0) + 1;
  return counts;
}
