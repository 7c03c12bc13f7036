import { setTimeout as pause } from "node:timers/promises";
import type { KubeApi, KubeObject } from "./api.ts";

/** Between a broken watch and the next list. */
const retryMs = 50;

interface List<T> {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly T[];
}

interface WatchEvent<T> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: T;
}

/**
 * All objects of a collection, kept current over every restart of the API server: whenever the watch breaks, a list tells
 * what it has missed.
 */
export class Watched<T extends KubeObject> {
  readonly #api: KubeApi;
  readonly #path: string;
  readonly #onChange: (object: T, event: "set" | "gone") => void;
  readonly #stop = new AbortController();
  #items = new Map<string, T>();

  /**
   * @param path     of the collection, without a query: `/api/v1/pods`
   * @param onChange called for each change, and for each object at the start
   */
  constructor(api: KubeApi, path: string, onChange: (object: T, event: "set" | "gone") => void) {
    this.#api = api;
    this.#path = path;
    this.#onChange = onChange;
    void this.#run();
  }

  values(): readonly T[] {
    return [...this.#items.values()];
  }

  /** @param key `namespace/name`, or `name` */
  find(key: string): T | undefined {
    return this.values().find(({ metadata: m }) => (m?.namespace ? `${m.namespace}/${m.name}` : m?.name) === key);
  }

  stop(): void {
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        const list = await this.#api.get<List<T>>(this.#path);
        if (this.#stop.signal.aborted) return;
        this.#replace(list.items);
        await this.#follow(list.metadata.resourceVersion);
      } catch {
        // the server is down or has forgotten the version: the next list tells
      }
      await pause(retryMs);
    }
  }

  #replace(items: readonly T[]): void {
    const old = this.#items;
    this.#items = new Map(items.map((item) => [uidOf(item), item]));
    for (const [uid, item] of old) if (!this.#items.has(uid)) this.#onChange(item, "gone");
    for (const [uid, item] of this.#items)
      if (old.get(uid)?.metadata?.resourceVersion !== item.metadata?.resourceVersion) this.#onChange(item, "set");
  }

  async #follow(resourceVersion: string): Promise<void> {
    const query = `watch=true&allowWatchBookmarks=true&resourceVersion=${resourceVersion}`;
    const response = await this.#api.open({ method: "GET", path: `${this.#path}?${query}` }, this.#stop.signal);
    let rest = "";
    for await (const text of response.setEncoding("utf8")) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const event = JSON.parse(line) as WatchEvent<T>;
        if (event.type === "ERROR" || this.#stop.signal.aborted) return;
        this.#apply(event);
      }
    }
  }

  #apply({ type, object }: WatchEvent<T>): void {
    if (type === "BOOKMARK") return;
    if (type === "DELETED") this.#items.delete(uidOf(object));
    else this.#items.set(uidOf(object), object);
    this.#onChange(object, type === "DELETED" ? "gone" : "set");
  }
}

function uidOf(object: KubeObject): string {
  return object.metadata?.uid ?? "";
}
