// Random traces of what programs do with memory, on the runtime and on a model of it that never frees anything.
import fc from "fast-check";
import { beforeEach, expect, test, vi } from "vitest";
import { type Assembly, loadAssembly } from "../../test/support/assembly.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // the compiler takes seconds where others compute

type Exports = Record<
  "rootsAt" | "put" | "drop" | "link" | "resize" | "allocate" | "reallocate" | "collectIfDue" | "collect",
  (...args: number[]) => number
>;

interface Node {
  readonly id: number;
  size: number;
  left?: Node | undefined;
  right?: Node | undefined;
}

interface Block {
  readonly id: number;
  readonly size: number;
  readonly at: number;
}

let wasm: Assembly<Exports>;
let roots: (Node | undefined)[];
let blocks: (Block | undefined)[];
/** Bytes in use before anything was put. */
let base: number;

beforeEach(async () => {
  wasm = await loadAssembly<Exports>("sdk/assembly/testing/objects.ts");
  wasm.put(0, 0, 0);
  wasm.drop(0);
  base = wasm.collect();
  roots = Array.from({ length: 16 });
  blocks = Array.from({ length: 16 });
});

/** A block's header and its object, to a multiple of 8. */
const blockSize = (size: number) => 16 + Math.ceil(size / 8) * 8;
const pages = () => wasm.memory.buffer.byteLength / 65536;
const word = (at: number) => new DataView(wasm.memory.buffer).getUint32(at, true);

function reachable(): Set<Node> {
  const found = new Set<Node>();
  const queue = [...roots];
  for (let node = queue.pop(); node !== undefined || queue.length > 0; node = queue.pop()) {
    if (node === undefined || found.has(node)) continue;
    found.add(node);
    queue.push(node.left, node.right);
  }
  return found;
}

/** Bytes that the model says are in use. */
function inUse(): number {
  const objects = [...reachable()].map(({ size }) => blockSize(16) + blockSize(size));
  const byHand = blocks.map((block) => (block === undefined ? 0 : blockSize(block.size)));
  return base + [...objects, ...byHand].reduce((sum, size) => sum + size, 0);
}

function expectBytes(at: number, size: number, id: number): void {
  const found = new Uint8Array(wasm.memory.buffer, at, size);
  const wrong = found.findIndex((byte, i) => byte !== ((id * 7 + i) & 0xff));
  if (wrong >= 0) throw new Error(`object ${id} has another's byte at ${wrong} of ${size}`);
}

/** Walks the objects in memory and those of the model side by side. */
function expectSame(): void {
  const places = new Map<Node, number>();
  const compare = (node: Node | undefined, at: number) => {
    if (node === undefined || places.has(node)) return expect(at).toBe(node === undefined ? 0 : places.get(node));
    places.set(node, at);
    expect([word(at), word(word(at + 4) - 4)]).toEqual([node.id, node.size]);
    expectBytes(word(at + 4), node.size, node.id);
    compare(node.left, word(at + 8));
    compare(node.right, word(at + 12));
  };
  for (let i = 0; i < 16; i++) compare(roots[i], word(wasm.rootsAt() + i * 4));
  for (const block of blocks) if (block !== undefined) expectBytes(block.at, block.size, block.id);
}

const place = fc.nat({ max: 15 });
const size = fc.oneof({ weight: 8, arbitrary: fc.nat({ max: 80 }) }, fc.nat({ max: 5000 }), fc.nat({ max: 200_000 }));
const operation = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant("put"), place, size) },
  { weight: 3, arbitrary: fc.tuple(fc.constant("link"), place, place) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("drop"), place, fc.constant(0)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("resize"), place, size) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("allocate"), place, size) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("reallocate"), place, size) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("end of callback"), place, fc.constant(0)) },
);

function run(what: string, at: number, other: number, id: number): void {
  const node = roots[at];
  const block = blocks[at];
  if (what === "put") {
    wasm.put(at, id, other);
    roots[at] = { id, size: other };
  } else if (what === "link") {
    wasm.link(at, other, id % 2);
    if (node) node[id % 2 ? "left" : "right"] = roots[other];
  } else if (what === "drop") {
    wasm.drop(at);
    roots[at] = undefined;
  } else if (what === "resize") {
    wasm.resize(at, other);
    if (node) node.size = other;
  } else if (what === "allocate") {
    const address = wasm.allocate(at, id, other);
    blocks[at] = other ? { id, size: other, at: address } : undefined;
  } else if (what === "reallocate") {
    if (block) blocks[at] = { ...block, size: other, at: wasm.reallocate(at, block.id, block.size, other) };
  } else {
    wasm.collectIfDue();
  }
}

test("objects that are reachable stay as they are, all others are freed, and memory stays bounded", () => {
  let id = 0;
  let most = 0;
  const trace = fc.property(fc.array(operation, { minLength: 100, maxLength: 600, size: "max" }), (operations) => {
    for (const [what, at, other] of operations) {
      run(what, at, other, ++id);
      most = Math.max(most, inUse());
    }
    expectSame();
    expect(wasm.collect()).toBe(inUse());
    expectSame();
  });
  fc.assert(trace, { seed: 6, numRuns: 30, endOnFailure: true });
  expect(pages() * 65536).toBeLessThan(8 * most);
});

test.each([
  [120_000, 40],
  [120_000, 3000],
  [3000, 40],
])("garbage of %i bytes between blocks of %i that stay leaves holes that are used again", (large, small) => {
  for (let id = 1; id <= 300; id++) {
    for (const root of [14, 15]) wasm.put(root, id, large + (id % 7) * 100);
    wasm.put(id % 2, id, small);
    wasm.link(id % 2, (id + 1) % 2, 1);
    for (const root of [14, 15]) wasm.drop(root);
    wasm.collectIfDue();
  }
  expect(pages() * 65536).toBeLessThan(3 * wasm.collect() + 4 * large + 65536);
});

test("a long list is marked without a stack", () => {
  for (let id = 1; id <= 300_000; id++) {
    wasm.put(id % 2, id, 0);
    wasm.link(id % 2, (id + 1) % 2, 1);
  }
  expect(wasm.collect()).toBe(base + 300_000 * (blockSize(16) + blockSize(0)));
});

test("what one asks to keep is kept as often as it is asked", () => {
  const bytes = wasm.__pin(wasm.__new(100, 1));
  wasm.__pin(bytes);
  const pinned = wasm.collect();
  wasm.__unpin(bytes);
  expect(wasm.collect()).toBe(pinned - blockSize(8)); // one of two notes that it is kept
  wasm.__unpin(bytes);
  expect(wasm.collect()).toBe(base);
  expect(() => wasm.__unpin(bytes)).not.toThrow();
});

test("memory that is not there ends the program with a message", () => {
  expect(() => wasm.put(0, 1, -1)).toThrow("out of memory");
});
