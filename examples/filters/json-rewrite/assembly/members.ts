import { JsonKind, JsonValue } from "@sluice/sdk/assembly";

/** Takes all members at `path` out of a value; where there is a list on the way, out of each of its elements. */
export function removeMember(value: JsonValue, path: string[], level: i32 = 0): void {
  if (value.kind == JsonKind.Array) {
    for (let i = 0; i < value.items.length; i++) removeMember(value.items[i], path, level);
    return;
  }
  if (level == path.length - 1) return value.remove(path[level]);
  for (let i = 0; i < value.names.length; i++) {
    if (value.names[i] == path[level]) removeMember(value.items[i], path, level + 1); // a name may be there twice
  }
}
