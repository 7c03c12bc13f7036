import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { type Assembly, loadAssembly } from "../../test/support/assembly.ts";
import { bucketed, exact, generous, type Past, type Rule, within } from "./test-support/model.ts";

// The window's bytes against naive models that remember every call and every retry.

type Exports = {
  advance(at: number, nowNs: bigint, windowNs: bigint): void;
  countCall(at: number): void;
  tryAdmit(at: number, percent: number, minRetries: number): number;
  newest(at: number): bigint;
  giveBack(at: number, number: bigint, windowNs: bigint): number;
  calls(at: number): bigint;
  retries(at: number): bigint;
  shareToShow(at: number, percent: number, minRetries: number): number;
};

const size = 192;
const second = 1_000_000_000n;
let wasm: Assembly<Exports>;
let at: number;

beforeAll(async () => {
  wasm = await loadAssembly<Exports>("filters/retry-budget/assembly/window.ts");
  at = wasm.__new(size, 1);
});

/** The bytes as the proxy holds them: the worker's copy is made from them, and written back where nobody was faster. */
class Shared {
  private bytes: Uint8Array = new Uint8Array(size);
  private version = 0;

  read(): { readonly bytes: Uint8Array; readonly version: number } {
    return { bytes: this.bytes, version: this.version };
  }

  write(bytes: Uint8Array, version: number): boolean {
    if (version !== this.version) return false;
    this.bytes = bytes;
    this.version += 1;
    return true;
  }
}

/** Runs `step` on a copy of the bytes, at `at` in the module's memory. */
function inWasm<T>(bytes: Uint8Array, step: () => T): { readonly result: T; readonly bytes: Uint8Array } {
  const memory = new Uint8Array(wasm.memory.buffer, at, size);
  memory.set(bytes);
  const result = step();
  return { result, bytes: new Uint8Array(wasm.memory.buffer, at, size).slice() };
}

const rules = fc.record<Rule>({
  windowNs: fc.integer({ min: 1000, max: 600_000 }).map((ms) => BigInt(ms) * 1_000_000n),
  // Mostly a share at which retries are denied: there are not many more of them than calls.
  percent: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 0, max: 60 }) }, fc.integer({ min: 0, max: 1000 })),
  minRetries: fc.integer({ min: 0, max: 12 }),
});

/** What a worker does next: how long after the last event, in shares of the window, and what. */
const steps = fc.array(
  fc.record({
    worker: fc.nat({ max: 3 }),
    pause: fc.oneof(
      { weight: 6, arbitrary: fc.double({ min: 0, max: 0.02, noNaN: true }) },
      { weight: 2, arbitrary: fc.double({ min: 0, max: 0.3, noNaN: true }) },
      { weight: 1, arbitrary: fc.constantFrom(0, 0.05, 0.95, 1, 1.05, 3) },
    ),
    what: fc.constantFrom("call", "call", "call", "retry", "retry", "give back", "read"),
  }),
  { minLength: 1, maxLength: 300, size: "max" }, // else most have ten
);

describe("random traces of four workers", () => {
  test("admit what the rule in buckets admits, never more than the exact rule, never less than it a bucket off", () => {
    const trace = fc.property(rules, steps, fc.bigInt({ min: 0n, max: 1n << 60n }), (rule, events, start) => {
      const shared = new Shared();
      const stale = new Map<number, { readonly bytes: Uint8Array; readonly version: number }>();
      const past: Past = { calls: [], retries: [] };
      const reserved: { readonly number: bigint; readonly time: bigint }[] = [];
      let now = start;
      for (const { worker, pause, what } of events) {
        now += BigInt(Math.round(pause * Number(rule.windowNs)));
        // A worker that was interrupted between reading and writing still holds older bytes: the swap must refuse them.
        if (what === "read") stale.set(worker, shared.read());
        let read = stale.get(worker) ?? shared.read();
        stale.delete(worker);
        for (;;) {
          const { bytes, version } = read;
          const turned = (step: () => boolean | number) =>
            inWasm(bytes, () => {
              wasm.advance(at, now, rule.windowNs);
              return Boolean(step());
            });
          const reservation = what === "give back" ? reserved[reserved.length - 1] : undefined;
          const done = turned(() => {
            if (what === "call") wasm.countCall(at);
            if (what === "retry") return wasm.tryAdmit(at, rule.percent, rule.minRetries);
            if (reservation) return wasm.giveBack(at, reservation.number, rule.windowNs);
            return false;
          });
          if (!shared.write(done.bytes, version)) {
            read = shared.read();
            continue;
          }
          if (what === "call") past.calls.push(now);
          if (what === "retry") {
            expect(done.result).toBe(bucketed(past, now, rule));
            if (done.result) expect(exact(past, now, rule)).toBe(true);
            else expect(generous(past, now, rule)).toBe(false);
          }
          if (what === "retry" && done.result) {
            past.retries.push(now);
            reserved.push({ number: inWasm(done.bytes, () => wasm.newest(at)).result, time: now });
          }
          if (reservation) {
            reserved.pop();
            const age = now / (rule.windowNs / 20n) - reservation.number;
            expect(done.result).toBe(age <= 20n);
            if (done.result) past.retries.splice(past.retries.indexOf(reservation.time), 1);
          }
          break;
        }
      }
    });
    fc.assert(trace, { seed: 20261123, numRuns: 200 });
  });
});

test("random traces in which the window's length changes never admit more than the exact rule, by what the last window knew", () => {
  const rule = fc.record<Rule>({
    windowNs: fc.integer({ min: 1000, max: 8000 }).map((ms) => BigInt(ms) * 1_000_000n),
    percent: fc.integer({ min: 0, max: 120 }),
    minRetries: fc.nat(1),
  });
  const changing = fc.record({ all: fc.array(rule, { minLength: 2, maxLength: 3 }), events: steps });
  const choice = fc.infiniteStream(fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)));
  let admitted = 0;
  const trace = fc.property(changing, choice, ({ all, events }, changes) => {
    let past: Past = { calls: [], retries: [] };
    let bytes: Uint8Array = new Uint8Array(size);
    let now = 1n << 40n;
    let current = 0;
    for (const { pause, what } of events) {
      if (changes.next().value) {
        past = within(past, now - (all[current]?.windowNs ?? 0n)); // a longer window knows no more than the one before
        current = (current + 1) % all.length;
      }
      const rule = all[current] ?? expect.fail("there is no such rule");
      now += BigInt(Math.round(pause * 3e8)); // many of them lie within the shortest window
      const done = inWasm(bytes, () => {
        wasm.advance(at, now, rule.windowNs);
        if (what === "call") wasm.countCall(at);
        return what === "retry" && wasm.tryAdmit(at, rule.percent, rule.minRetries) === 1;
      });
      bytes = done.bytes;
      if (what === "call") past.calls.push(now);
      if (!done.result) continue;
      expect(exact(past, now, rule)).toBe(true);
      past.retries.push(now);
      admitted += 1;
    }
  });
  fc.assert(trace, { seed: 20261130, numRuns: 100 });
  expect(admitted).toBeGreaterThan(300);
});

describe("a window of 10 s", () => {
  const windowNs = 10n * second;
  let bytes: Uint8Array;

  function run<T>(nowNs: bigint, step: () => T, length = windowNs): T {
    const done = inWasm(bytes, () => {
      wasm.advance(at, nowNs, length);
      return step();
    });
    bytes = done.bytes;
    return done.result;
  }

  function admitted(nowNs: bigint, tries: number, percent: number, minRetries: number): number {
    let sum = 0;
    for (let i = 0; i < tries; i++) sum += run(nowNs, () => wasm.tryAdmit(at, percent, minRetries));
    return sum;
  }

  test.each`
    calls  | percent | minRetries | tries | expected
    ${0}   | ${20}   | ${10}      | ${50} | ${10}
    ${100} | ${20}   | ${10}      | ${50} | ${20}
    ${49}  | ${20}   | ${0}       | ${50} | ${9}
    ${100} | ${29}   | ${0}       | ${50} | ${29}
    ${100} | ${0}    | ${0}       | ${50} | ${0}
    ${3}   | ${1000} | ${0}       | ${50} | ${30}
  `("$calls calls, $percent %, at least $minRetries: $expected of $tries retries", (row) => {
    bytes = new Uint8Array(size);
    for (let i = 0; i < row.calls; i++) run(77n * second, () => wasm.countCall(at));
    expect(admitted(77n * second, row.tries, row.percent, row.minRetries)).toBe(row.expected);
  });

  test("the share in use is told once, and again when it has changed", () => {
    bytes = new Uint8Array(size);
    const share = (nowNs: bigint) => run(nowNs, () => wasm.shareToShow(at, 0, 4));
    expect(share(0n)).toBe(-1); // a new gauge shows 0
    admitted(second, 1, 0, 4);
    expect([share(second), share(second)]).toEqual([25, -1]);
    admitted(second, 9, 0, 4);
    expect(share(second)).toBe(100);
    expect(share(30n * second)).toBe(0);
    expect(run(30n * second, () => wasm.shareToShow(at, 0, 0))).toBe(-1); // none is used, though there is none to use
    admitted(30n * second, 1, 0, 1);
    expect(run(30n * second, () => wasm.shareToShow(at, 0, 0))).toBe(100);
  });

  test("a changed length keeps what was counted, calls as early and retries as late as they may have been", () => {
    bytes = new Uint8Array(size);
    run(100n * second + 400_000_000n, () => wasm.countCall(at));
    admitted(100n * second + 100_000_000n, 1, 0, 10); // the same bucket of 500 ms
    const minute = 60n * second; // buckets of 3 s: 100.0 lies in number 33, 100.5 too
    expect(run(101n * second, () => [wasm.calls(at), wasm.retries(at)], minute)).toEqual([1n, 1n]);
    const short = second; // buckets of 50 ms: the bucket of 3 s ends after now, so the retry is as new as can be
    expect(run(101n * second, () => [wasm.calls(at), wasm.retries(at)], short)).toEqual([0n, 1n]);
    expect(run(102n * second, () => wasm.retries(at), short)).toBe(1n);
    expect(run(102n * second + 50_000_000n, () => wasm.retries(at), short)).toBe(0n);
  });

  test("a retry given back after its bucket went, or after a change of length, counts as made", () => {
    bytes = new Uint8Array(size);
    admitted(50n * second, 2, 0, 10);
    const number = run(50n * second, () => wasm.newest(at));
    const back = (nowNs: bigint, length = windowNs) => run(nowNs, () => wasm.giveBack(at, number, length), length);
    expect(back(60n * second)).toBe(1);
    expect(run(60n * second, () => wasm.retries(at))).toBe(1n);
    expect(inWasm(bytes, () => wasm.giveBack(at, number, 20n * second)).result).toBe(0);
    admitted(60n * second + 500_000_000n, 1, 0, 10); // in the place that the bucket had
    expect(back(60n * second + 500_000_000n)).toBe(0);
    expect(run(61n * second, () => wasm.retries(at))).toBe(1n);
  });

  test("a clock that seems to step back counts in the newest bucket", () => {
    bytes = new Uint8Array(size);
    run(50n * second, () => wasm.countCall(at));
    run(40n * second, () => wasm.countCall(at));
    expect(run(50n * second, () => [wasm.newest(at), wasm.calls(at)])).toEqual([100n, 2n]);
  });
});
