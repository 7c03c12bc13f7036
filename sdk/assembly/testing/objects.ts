// Objects that hold each other, for the test of the runtime beside it: made, linked, dropped and collected from outside.
import { isSweepDue, liveBytes } from "@sluice/sdk/assembly/runtime/heap"; // the one that the runtime has

/** Read by the test as it lies in memory: u32 id, then three references. */
class Node {
  id: u32 = 0;
  bytes: StaticArray<u8> = [];
  left: Node | null = null;
  right: Node | null = null;
}

/** In static memory, as literals are. */
const roots: StaticArray<Node | null> = [
  null,
  null,
  null,
  null,
  null,
  null,
  null,
  null,
  null,
  null,
  null,
  null,
  null,
  null,
  null,
  null,
];

/** Memory by hand; 0 where there is none. */
const blocks = new StaticArray<usize>(16);

export function rootsAt(): usize {
  assert(changetype<usize>(roots) < __heap_base);
  return changetype<usize>(roots);
}

export function put(root: i32, id: u32, size: i32): void {
  const node = new Node();
  node.id = id;
  node.bytes = changetype<StaticArray<u8>>(__new(size, idof<StaticArray<u8>>()));
  fill(changetype<usize>(node.bytes), 0, size, id);
  roots[root] = node;
}

export function drop(root: i32): void {
  roots[root] = null;
}

/** Has one root's object hold the other's. */
export function link(from: i32, to: i32, left: bool): void {
  const node = roots[from];
  if (node == null) return;
  if (left) node.left = roots[to];
  else node.right = roots[to];
}

export function resize(root: i32, size: i32): void {
  const node = roots[root];
  if (node == null) return;
  const before = node.bytes.length;
  node.bytes = changetype<StaticArray<u8>>(__renew(changetype<usize>(node.bytes), size));
  fill(changetype<usize>(node.bytes), before, size, node.id);
}

/** A block by hand in the place of the one there, or none. */
export function allocate(at: i32, id: u32, size: i32): usize {
  if (blocks[at]) heap.free(blocks[at]);
  blocks[at] = size ? heap.alloc(size) : 0;
  fill(blocks[at], 0, size, id);
  return blocks[at];
}

export function reallocate(at: i32, id: u32, before: i32, size: i32): usize {
  blocks[at] = heap.realloc(blocks[at], size);
  fill(blocks[at], before, size, id);
  return blocks[at];
}

/** What the SDK does after a callback. */
export function collectIfDue(): void {
  if (isSweepDue()) __collect();
}

/** Collects. Returns the bytes that are in use. */
export function collect(): usize {
  __collect();
  return liveBytes();
}

/** Every object's bytes say whose they are. */
function fill(at: usize, from: i32, to: i32, id: u32): void {
  for (let i = from; i < to; i++) store<u8>(at + i, id * 7 + i);
}
