import type { RawObject } from "../model/raw-object.ts";
import type { KubeObject } from "./api.ts";
import { trim } from "./trim.ts";

/** A trimmed object. The same one is handed out for as long as nothing in it changes. */
export interface Known extends RawObject {
  readonly value: KubeObject;
}

/** All objects of one kind, trimmed. Each method says whether anything has changed. */
export class ObjectSet {
  #known = new Map<string, Known>();

  /** All that there is now. */
  replace(items: readonly KubeObject[]): boolean {
    const before = this.#known;
    this.#known = new Map(items.map((item) => [keyOf(item), succeed(before.get(keyOf(item)), item)]));
    return this.#known.size !== before.size || [...this.#known].some(([key, one]) => before.get(key) !== one);
  }

  take(type: "ADDED" | "MODIFIED" | "DELETED", object: KubeObject): boolean {
    const key = keyOf(object);
    if (type === "DELETED") return this.#known.delete(key);
    const before = this.#known.get(key);
    const now = succeed(before, object);
    this.#known.set(key, now);
    return now !== before;
  }

  get objects(): readonly Known[] {
    return [...this.#known.values()];
  }
}

function keyOf({ metadata: { namespace, name } }: KubeObject): string {
  return `${namespace ?? ""}/${name}`;
}

/** Compared as text: a list has another order of fields than a watch only where another version wrote it. */
function succeed(before: Known | undefined, object: KubeObject): Known {
  const value = trim(object);
  return before !== undefined && JSON.stringify(before.value) === JSON.stringify(value) ? before : { value };
}
