import { Node, type Range } from "assemblyscript";

/** Gives all of a node that was made the place of what it was made for, where errors and traps then point to. */
export function place(node: object, range: Range, seen: Set<object> = new Set()): void {
  if (seen.has(node)) return;
  seen.add(node);
  if (node instanceof Node) node.range = range;
  for (const child of Object.values(node)) {
    if (child instanceof Node || Array.isArray(child)) place(child, range, seen);
  }
}
