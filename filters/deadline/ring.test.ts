import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { type Assembly, loadAssembly } from "../../test/support/assembly.ts";

type Exports = {
  placeOf(id: number, size: number): number;
  writeRecord(at: number, id: number, size: number, deadline: bigint): void;
  deadlineOf(at: number, recordSize: number, id: number, size: number): bigint;
  traceIdIn(at: number, size: number): number;
};

let wasm: Assembly<Exports>;
let record: number;
let id: number;

beforeAll(async () => {
  wasm = await loadAssembly<Exports>("filters/deadline/assembly/ring.ts");
  record = wasm.__new(72, 1);
  id = wasm.__new(64, 1);
});

function put(text: string): number {
  const bytes = new TextEncoder().encode(text);
  new Uint8Array(wasm.memory.buffer, id, bytes.length).set(bytes);
  return bytes.length;
}

test("a random trace of ids finds its own newest deadline or none, never another id's", () => {
  const ids = fc.array(
    fc.tuple(
      fc.string({ minLength: 1, maxLength: 4, unit: "grapheme-ascii" }),
      fc.bigInt({ min: 0n, max: (1n << 63n) - 1n }),
    ),
    {
      maxLength: 60,
    },
  );
  const check = fc.property(ids, (events) => {
    const ring = new Map<number, Uint8Array>();
    const newest = new Map<string, bigint>();
    for (const [text, deadline] of events) {
      const size = put(text);
      wasm.writeRecord(record, id, size, deadline);
      // Places beyond 8 are left out, so that ids do meet.
      ring.set(wasm.placeOf(id, size) % 8, new Uint8Array(wasm.memory.buffer, record, 8 + size).slice());
      newest.set(text, deadline);
      for (const [known, expected] of newest) {
        const length = put(known);
        const kept = ring.get(wasm.placeOf(id, length) % 8);
        if (kept === undefined) throw new Error(`${known} has no place`);
        new Uint8Array(wasm.memory.buffer, record, kept.length).set(kept);
        const found = wasm.deadlineOf(record, kept.length, id, length);
        expect([0n, expected]).toContain(found);
        if (known === text) expect(found).toBe(expected);
      }
    }
  });
  fc.assert(check, { seed: 8, numRuns: 300 });
});

test("request ids spread over all places", () => {
  const places = new Set<number>();
  for (let i = 0; i < 4096; i++) {
    places.add(wasm.placeOf(id, put(`${i.toString(16).padStart(8, "0")}-1c3f-4a7b-9d2e-0123456789ab`)));
  }
  expect(Math.max(...places)).toBeLessThan(4096);
  expect(places.size).toBeGreaterThan(2400); // 63 % are expected of a random function
});

test.each`
  traceparent                                                  | at
  ${"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"} | ${3}
  ${"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"}    | ${-1}
  ${"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"} | ${-1}
  ${""}                                                        | ${-1}
`("the trace id of '$traceparent' is at $at", ({ traceparent, at }) => {
  expect(wasm.traceIdIn(id, put(traceparent))).toBe(at);
});
