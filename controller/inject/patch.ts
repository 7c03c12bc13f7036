import { isMapping } from "../model/raw-object.ts";

/** @see RFC 6902, section 4 */
export type PatchOperation =
  | { readonly op: "add" | "replace"; readonly path: string; readonly value: unknown }
  | { readonly op: "remove"; readonly path: string };

/**
 * The operations that make `after` of `before`, both JSON. Only what differs is named, so that everything else keeps its
 * bytes: fields that are unknown here, numbers that JavaScript can't hold. A list that grows is added to at its end; one
 * that shrinks is replaced as a whole.
 *
 * @see RFC 6902
 */
export function jsonPatch(before: unknown, after: unknown, path = ""): readonly PatchOperation[] {
  if (Object.is(before, after)) return [];
  if (Array.isArray(before) && Array.isArray(after) && before.length <= after.length) {
    const changes = before.flatMap((item, i) => jsonPatch(item, after[i], `${path}/${i}`));
    return [...changes, ...after.slice(before.length).map((value) => add(`${path}/-`, value))];
  }
  if (isMapping(before) && isMapping(after)) {
    const removed = Object.keys(before).filter((key) => !(key in after));
    return [
      ...removed.map((key): PatchOperation => ({ op: "remove", path: `${path}/${escaped(key)}` })),
      ...Object.entries(after).flatMap(([key, value]) => {
        const at = `${path}/${escaped(key)}`;
        return key in before ? jsonPatch(before[key], value, at) : [add(at, value)];
      }),
    ];
  }
  return [{ op: "replace", path, value: after }];
}

function add(path: string, value: unknown): PatchOperation {
  return { op: "add", path, value };
}

/** @see RFC 6901, section 3 */
function escaped(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
