// EDGE. The webhooks' port (Istio's 15017): HTTPS, called by the API server; and by the kubelet, since of all ports this one
// is the last to listen.

import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { Certificate } from "../model/certificate.ts";
import type { Log } from "../ports/log.ts";
import { type AdmissionRequest, readReview, type Verdict, writeReview } from "./admission-review.ts";

/** @param deadlineMs after which the API server will not be listening any more, with something to spare */
export type Webhook = (request: AdmissionRequest, deadlineMs: number) => Promise<Verdict>;

export interface WebhookServerOptions {
  readonly host: string;
  readonly port: number;
  /** What it serves with, renewed while it runs. */
  readonly certificate: {
    readonly current: Certificate;
    /** @returns what ends the calls */
    onChange(listener: () => void): () => void;
  };
  /** By path. */
  readonly webhooks: Readonly<Record<string, Webhook>>;
  readonly log: Log;
}

export interface WebhookServer {
  readonly port: number;
  /** Lets what is being answered end, for 3 s. */
  close(): Promise<void>;
}

/** Twice the API server's own limit of an object, since an update brings two. */
const bodyBytesMax = 8 * 1024 * 1024;

/** Longer than the API server keeps an idle connection (90 s): a call never runs into one that is being closed. In ms. */
const keepAliveMs = 120_000;

/** How long {@link WebhookServer.close} waits for what is being answered. In ms. */
const closeMsMax = 3000;

/** Kubernetes' default for `timeoutSeconds`. */
const timeoutSecondsDefault = 10;

/** Of the pod's readiness probe. */
const readyPath = "/ready";

/** Of the API server's patience, what is used. */
const share = 0.8;

/** @throws where the address cannot be had */
export async function serveWebhooks(options: WebhookServerOptions): Promise<WebhookServer> {
  const { host, port, certificate } = options;
  const credentials = (): { cert: string; key: string } => {
    const { chain, key } = certificate.current;
    return { cert: chain, key: key.reveal() };
  };
  const server = createServer({ ...credentials(), minVersion: "TLSv1.2" }, (request, response) => {
    void answer(request, response, { ...options, isLeaving: () => !server.listening });
  });
  server.keepAliveTimeout = keepAliveMs;
  const unlisten = certificate.onChange(() => server.setSecureContext({ ...credentials(), minVersion: "TLSv1.2" }));
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(new Error(`webhooks cannot listen on ${host}:${port}: ${error.message}`)));
    server.listen({ host, port }, resolve);
  });
  return { port: portOf(server), close: () => closed(server, unlisten) };
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function closed(server: Server, unlisten: () => void): Promise<void> {
  unlisten();
  // A connection on which nothing was ever asked, as clients keep one in reserve, is not idle for Node: it would stay.
  const cut = setTimeout(() => server.closeAllConnections(), closeMsMax);
  return new Promise((resolve) => {
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections(); // those in use follow with their answers
  });
}

/** Every answer but an AdmissionReview is a sentence: the API server shows it to whoever made the change. */
async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: WebhookServerOptions & { readonly isLeaving: () => boolean },
): Promise<void> {
  const refuse = (code: number, sentence: string): void => {
    response.writeHead(code, { "content-type": "text/plain", connection: "close" }).end(`${sentence}\n`);
  };
  const [path = "", query = ""] = (request.url ?? "").split("?", 2);
  if (path === readyPath) return void response.writeHead(200, { "content-type": "text/plain" }).end("ready\n");
  const webhook = options.webhooks[path];
  if (webhook === undefined) return refuse(404, `not found; there are ${Object.keys(options.webhooks).join(", ")}`);
  if (request.method !== "POST") return refuse(405, "only POST is answered");
  try {
    const body = await bodyOf(request);
    if (body === undefined) return refuse(413, `the body is larger than ${bodyBytesMax} bytes`);
    const review = readReview(body);
    if (typeof review === "string") return refuse(400, review);
    const verdict = await webhook(review, deadlineMsOf(query));
    if (options.isLeaving()) response.setHeader("connection", "close"); // or the next call runs into its end
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(writeReview(review, verdict)));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    options.log.error(`webhook ${path}: ${why}`);
    refuse(500, why);
  }
}

/** `undefined`: it is too large. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  if (Number(request.headers["content-length"]) > bodyBytesMax) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyBytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** The API server says how long it waits: `?timeout=10s`. */
function deadlineMsOf(query: string): number {
  const seconds = Number.parseInt(new URLSearchParams(query).get("timeout") ?? "", 10);
  return (seconds > 0 ? seconds : timeoutSecondsDefault) * 1000 * share;
}
