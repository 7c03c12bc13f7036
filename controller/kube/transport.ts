// EDGE. HTTP to the API server. Connections are kept and shared: with the library's own, one a call, making them is most
// of the work. Node's agent keeps connections apart by certificate, so renewed credentials need nothing done here.
import { type IncomingMessage, request as requestPlain } from "node:http";
import { Agent, type RequestOptions, request as requestTls } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";
import { KubeError } from "./kube-error.ts";

export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With its query. */
  readonly path: string;
  readonly body?: string;
  readonly contentType?: string;
  readonly signal: AbortSignal;
}

/** Idle connections are closed before the API server does so, which would cost the next call. In ms. */
const idleMsMax = 60_000;

/** Sends calls with the credentials of a kubeconfig, which are read again for each where they stand in files. */
export class Transport {
  readonly #config: KubeConfig;
  readonly #agent = new Agent({ keepAlive: true, timeout: idleMsMax });

  constructor(config: KubeConfig) {
    this.#config = config;
  }

  /** URL of the API server. */
  get server(): string {
    const cluster = this.#config.getCurrentCluster();
    if (!cluster) throw new KubeError("the kubeconfig has no current context: name one", { code: 0, reason: "Config" });
    return cluster.server.replace(/\/+$/, "");
  }

  /**
   * The answer, whatever its status, as soon as its head has come.
   *
   * @throws KubeError with code 0 where there is none
   */
  async send(call: Call): Promise<IncomingMessage> {
    const url = new URL(`${this.server}${call.path}`);
    try {
      const options = await this.#options(call);
      return await answerTo(url, options, call).catch((error: unknown) => {
        if (!(error instanceof StaleConnection) || call.method === "POST") throw error;
        return answerTo(url, options, call);
      });
    } catch (error) {
      throw unreachable(error, call, this.server);
    }
  }

  async #options({ method, body, contentType, signal }: Call): Promise<RequestOptions> {
    const options: RequestOptions = {};
    await this.#config.applyToHTTPSOptions(options);
    const { agent, ...rest } = options;
    const direct = this.#config.getCurrentCluster()?.proxyUrl === undefined && this.server.startsWith("https:");
    // the length is said, since Node leaves it out of a DELETE: its body would be taken for the next call
    const content =
      body === undefined ? {} : { "content-type": contentType, "content-length": Buffer.byteLength(body) };
    return {
      ...rest,
      method,
      signal,
      headers: { accept: "application/json", "user-agent": "sluice", ...options.headers, ...content },
      ...(direct ? { agent: this.#agent } : agent && { agent }),
    };
  }
}

/** The server closed a kept connection while a call was on its way into it. */
class StaleConnection extends Error {}

function answerTo(url: URL, options: RequestOptions, { body }: Call): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === "http:" ? requestPlain : requestTls)(url, options, resolve);
    request.on("error", (error: NodeJS.ErrnoException) => {
      const isStale = request.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE");
      reject(isStale ? new StaleConnection(error.message, { cause: error }) : error);
    });
    request.end(body);
  });
}

/** No answer, or one that broke off. */
export function unreachable(error: unknown, { method, path, signal }: Call, server: string): KubeError {
  if (error instanceof KubeError) return error;
  const call = `${method} ${path.split("?", 1)[0]}`;
  const timedOut = signal.reason instanceof DOMException && signal.reason.name === "TimeoutError";
  if (timedOut)
    return new KubeError(`the API server at ${server} did not answer ${call} in time`, {
      code: 0,
      reason: "Timeout",
      cause: error,
    });
  const why = error instanceof Error ? error.message || error.name : String(error);
  return new KubeError(`the API server at ${server} can't be reached: ${call}: ${why}`, {
    code: 0,
    reason: "Unreachable",
    cause: error,
  });
}
