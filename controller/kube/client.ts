// EDGE. The Kubernetes API as it is: JSON in, JSON out. The library's typed APIs drop the fields that their classes have
// under another name (defaults and CEL rules of a CRD), so only its KubeConfig is used.
import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import type { KubeConfig } from "@kubernetes/client-node";
import {
  fieldManager,
  type KubeObject,
  type ObjectList,
  pathOf,
  type ResourceType,
  type Target,
  type WatchEvent,
} from "./api.ts";
import { type ConfigOptions, loadConfig } from "./config.ts";
import { errorOfAnswer, isKubeError } from "./kube-error.ts";
import { type Call, Transport, unreachable } from "./transport.ts";

/** How long one call may take by default, in ms: an API server whose etcd stands still answers when that goes on. */
const callMsMax = 30_000;

/** Objects a page of a list. */
const pageSize = 500;

export interface CallOptions {
  /** Default 30,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface Selection {
  /** Absent: of all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface DeleteOptions extends CallOptions {
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan";
  readonly gracePeriodSeconds?: number;
  /** Only this very object, not one that was made anew under its name. */
  readonly uid?: string;
}

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** All methods reject with a KubeError. */
export class KubeClient {
  readonly #transport: Transport;

  constructor(config: KubeConfig) {
    this.#transport = new Transport(config);
  }

  /** URL of the API server, for messages. */
  get server(): string {
    return this.#transport.server;
  }

  /** `undefined` where there is none. */
  async get(target: Target, options?: CallOptions): Promise<KubeObject | undefined> {
    try {
      return (await this.request("GET", pathOf(target), options)) as KubeObject;
    } catch (error) {
      if (isKubeError(error, 404)) return undefined;
      throw error;
    }
  }

  /** All pages. Items have the kind and apiVersion that a list leaves out. 410 where it took too long: list again. */
  async list(type: ResourceType, selection: Selection = {}, options: CallOptions = {}): Promise<ObjectList> {
    const { namespace, ...selectors } = selection;
    const path = pathOf({ ...type, ...(namespace !== undefined && { namespace }) });
    const items: KubeObject[] = [];
    for (let from: string | undefined; ; ) {
      const query = { ...selectors, limit: pageSize, continue: from };
      const page = (await this.request("GET", path, { ...options, query })) as ListPage;
      const itemKind = { apiVersion: page.apiVersion, kind: page.kind.replace(/List$/, "") };
      for (const item of page.items ?? []) items.push({ ...itemKind, ...item });
      from = page.metadata.continue || undefined;
      if (from === undefined) return { items, resourceVersion: page.metadata.resourceVersion };
    }
  }

  /** 409 (AlreadyExists) where there is one by that name. */
  async create(place: ResourceType & { readonly namespace?: string }, object: object, options?: CallOptions) {
    return (await this.request("POST", pathOf(place), { ...options, body: object })) as KubeObject;
  }

  /** Server-side apply: creates, or changes the fields that are named. `force` takes fields over from others. */
  async apply(
    target: Target,
    object: object,
    options: CallOptions & { readonly force?: boolean; readonly dryRun?: boolean } = {},
  ): Promise<KubeObject> {
    const { force = true, dryRun = false, ...rest } = options;
    const query = { fieldManager, force, dryRun: dryRun ? "All" : undefined };
    const contentType = "application/apply-patch+yaml"; // JSON is YAML
    return (await this.request("PATCH", pathOf(target), { ...rest, query, body: object, contentType })) as KubeObject;
  }

  /** JSON merge patch (RFC 7386): null removes a field, a list replaces a list. */
  async mergePatch(target: Target, patch: object, options: CallOptions = {}): Promise<KubeObject> {
    const contentType = "application/merge-patch+json";
    const query = { fieldManager };
    return (await this.request("PATCH", pathOf(target), { ...options, query, body: patch, contentType })) as KubeObject;
  }

  /** False where there is none. */
  async delete(target: Target, { uid, ...options }: DeleteOptions = {}): Promise<boolean> {
    const { propagationPolicy, gracePeriodSeconds, ...rest } = options;
    const body = { propagationPolicy, gracePeriodSeconds, preconditions: uid === undefined ? undefined : { uid } };
    try {
      await this.request("DELETE", pathOf(target), { ...rest, body });
      return true;
    } catch (error) {
      if (isKubeError(error, 404)) return false;
      throw error;
    }
  }

  /**
   * What happens after a resourceVersion, until the server ends it. Bookmarks come each minute. Resolves when the server
   * has accepted; an ERROR of the stream is handed out as an event, a connection that breaks is thrown.
   */
  async watch(
    type: ResourceType,
    { namespace, ...query }: Selection & { readonly resourceVersion: string; readonly timeoutSeconds: number },
    signal: AbortSignal,
  ): Promise<AsyncGenerator<WatchEvent>> {
    const path = pathOf({ ...type, ...(namespace !== undefined && { namespace }) });
    const call = callOf("GET", path, { signal, query: { ...query, watch: true, allowWatchBookmarks: true } });
    return this.#events(call, await this.#answer(call));
  }

  async *#events(call: Call, answer: IncomingMessage): AsyncGenerator<WatchEvent> {
    try {
      for await (const line of linesOf(answer)) yield JSON.parse(line) as WatchEvent;
    } catch (error) {
      throw unreachable(error, call, this.server);
    } finally {
      answer.destroy();
    }
  }

  /** Any call. `body` is sent as JSON. The answer is parsed where it is JSON, else it is the text. */
  async request(
    method: Call["method"],
    path: string,
    {
      timeoutMs = callMsMax,
      signal,
      ...rest
    }: CallOptions & { readonly query?: Query; readonly body?: object; readonly contentType?: string } = {},
  ): Promise<unknown> {
    const deadline = AbortSignal.timeout(timeoutMs);
    const call = callOf(method, path, { signal: signal ? AbortSignal.any([signal, deadline]) : deadline, ...rest });
    const answer = await this.#answer(call);
    const body = await text(answer).catch((error: unknown) => {
      throw unreachable(error, call, this.server);
    });
    return answer.headers["content-type"]?.startsWith("application/json") ? JSON.parse(body) : body;
  }

  async #answer(call: Call): Promise<IncomingMessage> {
    const answer = await this.#transport.send(call);
    const code = answer.statusCode ?? 0;
    if (code >= 200 && code < 300) return answer;
    const body = await text(answer).catch(() => "");
    throw errorOfAnswer(code, body, answer.headers["retry-after"]);
  }
}

interface ListPage {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly KubeObject[] | null;
}

function callOf(
  method: Call["method"],
  path: string,
  {
    query = {},
    body,
    contentType = "application/json",
    signal,
  }: { readonly query?: Query; readonly body?: object; readonly contentType?: string; readonly signal: AbortSignal },
): Call {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const search = new URLSearchParams(given.map(([key, value]): [string, string] => [key, String(value)])).toString();
  return {
    method,
    path: search === "" ? path : `${path}?${search}`,
    signal,
    ...(body && { body: JSON.stringify(body), contentType }),
  };
}

async function* linesOf(answer: IncomingMessage): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of answer.setEncoding("utf8")) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") yield line;
  }
}

/** @throws KubeError as {@link loadConfig} does */
export function connect(options: ConfigOptions = {}): KubeClient {
  return new KubeClient(loadConfig(options));
}
