import { JsonKind, JsonValue } from "@sluice/sdk/assembly";

/** Takes the member at `path` out of a value; where there is a list on the way, out of each of its elements. */
export function removeMember(value: JsonValue, path: string[], level: i32 = 0): void {
  if (value.kind == JsonKind.Array) {
    for (let i = 0; i < value.items.length; i++) removeMember(value.items[i], path, level);
    return;
  }
  if (level == path.length - 1) return value.remove(path[level]);
  const member = value.get(path[level]);
  if (member != null) removeMember(member, path, level + 1);
}
