import type { PatchOperation } from "../patch.ts";

/** What an API server makes of a JSON Patch of the operations that injection has. @see RFC 6902 */
export function applyPatch(value: unknown, patch: readonly PatchOperation[]): unknown {
  return patch.reduce((target, operation) => {
    const keys = operation.path.split("/").slice(1);
    return apply(
      target,
      keys.map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~")),
      operation,
    );
  }, structuredClone(value));
}

function apply(target: unknown, [key, ...rest]: readonly string[], operation: PatchOperation): unknown {
  if (key === undefined) return "value" in operation ? operation.value : undefined;
  if (Array.isArray(target)) {
    if (rest.length > 0 || operation.op === "replace")
      return target.map((item, i) => (String(i) === key ? apply(item, rest, operation) : item));
    if (operation.op !== "add" || key !== "-") throw new Error(`${operation.op} ${operation.path} is not for a list`);
    return [...target, operation.value];
  }
  if (typeof target !== "object" || target === null) throw new Error(`${operation.path}: nothing there`);
  const entries: Record<string, unknown> = { ...target };
  if (rest.length === 0 && operation.op !== "add" && !(key in entries))
    throw new Error(`${operation.path}: nothing there`);
  if (operation.op === "remove" && rest.length === 0) delete entries[key];
  else entries[key] = apply(entries[key], rest, operation);
  return entries;
}
