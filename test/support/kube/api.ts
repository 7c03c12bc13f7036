// A Kubernetes API client for the tests' own needs, so that what they assert doesn't pass through the client under test.

import type { IncomingMessage } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import { setTimeout as pause } from "node:timers/promises";

/** Between two tries of {@link persist}. */
const retryMs = 50;

/** What every object has; the rest as its kind says. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly deletionTimestamp?: string;
  };
}

/** The server's refusal: a Status object. */
export class ApiError extends Error {
  /** The HTTP status. */
  readonly code: number;

  constructor(code: number, call: string, body: string) {
    super(`${call}: ${code} ${messageOf(body)}`);
    this.code = code;
  }
}

export interface ApiOptions {
  /** `https://198.18.0.1:6443` */
  readonly server: string;
  /** PEM, as the other two. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** `/api/v1/namespaces/shop/pods?labelSelector=app%3Dcatalog` */
  readonly path: string;
  readonly body?: unknown;
  /** Default: a merge patch for PATCH, else JSON. */
  readonly contentType?: string;
}

export class KubeApi {
  readonly #server: string;
  readonly #agent: Agent;

  constructor({ server, ca, cert, key }: ApiOptions) {
    this.#server = server;
    this.#agent = new Agent({ ca, cert, key, keepAlive: true });
  }

  get<T>(path: string): Promise<T> {
    return this.call({ method: "GET", path });
  }

  create<T>(path: string, body: unknown): Promise<T> {
    return this.call({ method: "POST", path, body });
  }

  /** A merge patch. */
  patch<T>(path: string, body: unknown): Promise<T> {
    return this.call({ method: "PATCH", path, body });
  }

  delete<T>(path: string, body?: unknown): Promise<T> {
    return this.call({ method: "DELETE", path, body });
  }

  /** @throws ApiError for a refusal; the connection's error where there is none */
  async call<T>(call: Call): Promise<T> {
    const response = await this.open(call);
    let body = "";
    for await (const text of response.setEncoding("utf8")) body += text;
    const code = response.statusCode ?? 0;
    if (code >= 300) throw new ApiError(code, `${call.method} ${call.path}`, body);
    return (isJson(response) ? JSON.parse(body) : body) as T;
  }

  /** The response once its head is there, whatever it says; its body is the caller's to read. */
  open({ method, path, body, contentType }: Call, signal?: AbortSignal): Promise<IncomingMessage> {
    const type = contentType ?? (method === "PATCH" ? "application/merge-patch+json" : "application/json");
    const text = body === undefined ? undefined : JSON.stringify(body);
    // Node says no length for a DELETE by itself, and the server takes its body for the next call of the connection
    const content = text === undefined ? {} : { "content-type": type, "content-length": Buffer.byteLength(text) };
    return new Promise((resolve, reject) => {
      const sent = httpsRequest(`${this.#server}${path}`, {
        agent: this.#agent,
        method,
        headers: { accept: "application/json", ...content },
        ...(signal ? { signal } : {}),
      });
      sent.once("response", resolve);
      sent.once("error", reject);
      sent.end(text);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/**
 * Repeats a call until the server has answered, whatever it says: a watch tells of a change once, and the server may be
 * down just then.
 *
 * @param isOver gives up
 */
export async function persist(call: () => Promise<unknown>, isOver: () => boolean = () => false): Promise<void> {
  while (!isOver()) {
    try {
      await call();
      return;
    } catch (error) {
      if (error instanceof ApiError && error.code < 500 && error.code !== 429) return;
      await pause(retryMs);
    }
  }
}

function isJson(response: IncomingMessage): boolean {
  return response.headers["content-type"]?.startsWith("application/json") === true;
}

function messageOf(body: string): string {
  try {
    return (JSON.parse(body) as { message?: string }).message ?? body;
  } catch {
    return body;
  }
}
