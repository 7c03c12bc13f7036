// What has not changed is handed on as it was: whoever made something of a list or a map knows by its identity that it
// stands.
import { areSame } from "../model/memo.ts";

/** `before` where it has the same members in the same order. */
export function keptList<T>(before: readonly T[] | undefined, now: readonly T[]): readonly T[] {
  return before && areSame(before, now) ? before : now;
}

/** `before` where it has the same values under the same keys in the same order. */
export function keptMap<V>(
  before: ReadonlyMap<string, V> | undefined,
  now: ReadonlyMap<string, V>,
): ReadonlyMap<string, V> {
  return before && areSame([...before].flat(), [...now].flat()) ? before : now;
}
