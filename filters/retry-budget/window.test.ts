import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { type Assembly, loadAssembly } from "../../test/support/assembly.ts";
import { bucketed, exact, generous, type Past, type Rule, within } from "./test-support/model.ts";

// The window's bytes against naive models that remember every call and every retry.

type Exports = {
  advance(at: number, nowNs: bigint, windowNs: bigint): void;
  countCall(at: number): void;
  tryAdmit(at: number, percent: number, minRetries: number): number;
  newestNs(at: number): bigint;
  giveBack(at: number, timeNs: bigint): number;
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

/** Runs `step` on a copy of the bytes, at `at` in the module's memory. */
function inWasm<T>(bytes: Uint8Array, step: () => T): { readonly result: T; readonly bytes: Uint8Array } {
  const memory = new Uint8Array(wasm.memory.buffer, at, size);
  memory.set(bytes);
  const result = step();
  return { result, bytes: new Uint8Array(wasm.memory.buffer, at, size).slice() };
}

/** A retry that was admitted and can be given back. */
interface Reserved {
  readonly timeNs: bigint;
  readonly bucketNs: bigint;
}

/** The bytes as the proxy holds them, changed by workers each of which works on a copy. */
class Shared {
  private bytes: Uint8Array = new Uint8Array(size);
  /** Copies of workers that were interrupted between reading and writing: the swap must refuse them, once they are old. */
  private readonly held = new Map<number, Uint8Array>();

  interrupt(worker: number): void {
    this.held.set(worker, this.bytes);
  }

  private change<T>(worker: number, step: () => T): T {
    const read = this.held.get(worker) ?? this.bytes;
    this.held.delete(worker);
    const done = inWasm(read, step);
    if (read !== this.bytes) return this.change(worker, step);
    this.bytes = done.bytes;
    return done.result;
  }

  call(worker: number, nowNs: bigint, { windowNs }: Rule): void {
    this.change(worker, () => {
      wasm.advance(at, nowNs, windowNs);
      wasm.countCall(at);
    });
  }

  retry(worker: number, timeNs: bigint, { windowNs, percent, minRetries }: Rule): Reserved | undefined {
    return this.change(worker, () => {
      wasm.advance(at, timeNs, windowNs);
      const isAdmitted = wasm.tryAdmit(at, percent, minRetries) === 1;
      return isAdmitted ? { timeNs, bucketNs: wasm.newestNs(at) } : undefined;
    });
  }

  giveBack(worker: number, { bucketNs }: Reserved): boolean {
    return this.change(worker, () => wasm.giveBack(at, bucketNs) === 1);
  }
}

const ms = (min: number, max: number) => fc.integer({ min, max }).map((count) => BigInt(count) * 1_000_000n);

/** All that can be configured; mostly a share at which retries are denied: there are not many more of them than calls. */
const rule = fc.record<Rule>({
  windowNs: ms(1000, 600_000),
  percent: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 0, max: 60 }) }, fc.integer({ min: 0, max: 1000 })),
  minRetries: fc.oneof({ weight: 9, arbitrary: fc.nat(12) }, fc.nat(1_000_000)),
});

/** What a worker does next, and when: how long after the last event, in shares of the window, or at the edge of a bucket. */
const steps = fc.array(
  fc.record({
    worker: fc.nat(3),
    pause: fc.oneof(
      { weight: 6, arbitrary: fc.double({ min: 0, max: 0.02, noNaN: true }) },
      { weight: 2, arbitrary: fc.double({ min: 0, max: 0.3, noNaN: true }) },
      { weight: 1, arbitrary: fc.constantFrom(0, 0.05, 0.95, 1, 1.05, 3) },
    ),
    edge: fc.option(fc.constantFrom(-1n, 0n, 1n), { freq: 4 }),
    what: fc.constantFrom("call", "call", "call", "retry", "retry", "give back", "interrupt"),
    changes: fc.integer({ min: 0, max: 9 }).map((number) => number === 0),
  }),
  { minLength: 1, maxLength: 300, size: "max" }, // else most have ten
);
type Step = (typeof steps extends fc.Arbitrary<infer All> ? All : never) extends (infer One)[] ? One : never;

const starts = fc.bigInt({ min: 0n, max: 1n << 60n });

function timeOf({ pause, edge }: Step, lastNs: bigint, windowNs: bigint): bigint {
  const length = windowNs / 20n;
  const timeNs = lastNs + BigInt(Math.round(pause * Number(windowNs)));
  return edge === null ? timeNs : (timeNs / length + 1n) * length + edge;
}

describe("random traces of four workers", () => {
  test("admit what the rule in buckets admits, never more than the exact rule, never less than it a bucket off", () => {
    const trace = fc.property(rule, steps, starts, (rule, events, start) => {
      const shared = new Shared();
      const past: Past = { calls: [], retries: [] };
      const reserved: Reserved[] = [];
      let now = start;
      for (const event of events) {
        const { worker, what } = event;
        now = timeOf(event, now, rule.windowNs);
        if (what === "interrupt") shared.interrupt(worker);
        if (what === "call") {
          shared.call(worker, now, rule);
          past.calls.push(now);
        }
        if (what === "retry") {
          const admitted = shared.retry(worker, now, rule);
          expect(admitted !== undefined).toBe(bucketed(past, now, rule));
          if (admitted === undefined) expect(generous(past, now, rule)).toBe(false);
          else {
            expect(exact(past, now, rule)).toBe(true);
            past.retries.push(now);
            reserved.push(admitted);
          }
        }
        const unused = what === "give back" ? reserved.pop() : undefined;
        if (unused === undefined) continue;
        const isKnown = shared.giveBack(worker, unused);
        if (now / (rule.windowNs / 20n) - unused.bucketNs / (rule.windowNs / 20n) <= 20n) expect(isKnown).toBe(true);
        if (isKnown) past.retries.splice(past.retries.indexOf(unused.timeNs), 1);
      }
    });
    fc.assert(trace, { seed: 20261123, numRuns: 200 });
  });

  test("in which configurations change, worker by worker, never admit more than the exact rule, by what the last window knew", () => {
    const config = fc.oneof(
      {
        weight: 2,
        arbitrary: fc.record<Rule>({ windowNs: ms(1000, 8000), percent: fc.nat(120), minRetries: fc.nat(1) }),
      },
      rule,
    );
    const seen = { admitted: 0, denied: 0, "given back": 0, "not given back": 0 };
    const trace = fc.property(fc.array(config, { minLength: 2, maxLength: 3 }), steps, starts, (all, events, start) => {
      const shared = new Shared();
      const current = [0, 0, 0, 0];
      let past: Past = { calls: [], retries: [] };
      const reserved: Reserved[] = [];
      let length = 0n;
      let oldest = 0n; // time of which the window knows
      let now = start;
      for (const event of events) {
        const { worker, what, changes } = event;
        if (changes) current[worker] = ((current[worker] ?? 0) + 1) % all.length;
        const rule = all[current[worker] ?? 0] ?? expect.fail("there is no such rule");
        now = timeOf(event, now, rule.windowNs < 8_000_000_000n ? rule.windowNs : 6_000_000_000n);
        if (what === "interrupt") shared.interrupt(worker);
        if (what === "call" || what === "retry") {
          if (length !== rule.windowNs / 20n) past = within(past, oldest - 1n); // what the window before knew
          length = rule.windowNs / 20n;
          oldest = (now / length - 20n) * length;
        }
        if (what === "call") {
          shared.call(worker, now, rule);
          past.calls.push(now);
        }
        if (what === "retry") {
          const admitted = shared.retry(worker, now, rule);
          seen[admitted ? "admitted" : "denied"] += 1;
          if (admitted === undefined) continue;
          expect(exact(past, now, rule)).toBe(true);
          past.retries.push(now);
          reserved.push(admitted);
        }
        const unused = what === "give back" ? reserved.pop() : undefined;
        if (unused === undefined) continue;
        const isKnown = shared.giveBack(worker, unused);
        seen[isKnown ? "given back" : "not given back"] += 1;
        if (isKnown && past.retries.includes(unused.timeNs)) {
          past.retries.splice(past.retries.indexOf(unused.timeNs), 1);
        }
      }
    });
    fc.assert(trace, { seed: 20261130, numRuns: 200 });
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(100); // of all there was enough to see
  });
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

  test("a retry given back after its bucket went, or its retries were moved on, counts as made", () => {
    bytes = new Uint8Array(size);
    expect(wasm.giveBack(at, 50n * second)).toBe(0); // nobody has used the window yet
    admitted(50n * second, 2, 0, 10);
    const begin = run(50n * second, () => wasm.newestNs(at));
    const back = (nowNs: bigint, length = windowNs) => run(nowNs, () => wasm.giveBack(at, begin), length);
    expect(back(60n * second)).toBe(1);
    expect(run(60n * second, () => wasm.retries(at))).toBe(1n);
    admitted(60n * second + 500_000_000n, 1, 0, 10); // in the place that the bucket had
    expect(back(60n * second + 500_000_000n)).toBe(0);
    expect(run(61n * second, () => wasm.retries(at))).toBe(1n);
    expect(back(61n * second, second)).toBe(0);
  });

  test("a retry is given back also after a change of the window's length", () => {
    bytes = new Uint8Array(size);
    admitted(50n * second, 1, 0, 10);
    const begin = run(50n * second, () => wasm.newestNs(at));
    const minute = 60n * second;
    expect(run(51n * second, () => wasm.giveBack(at, begin), minute)).toBe(1);
    expect(run(51n * second, () => wasm.retries(at), minute)).toBe(0n);
  });

  test("a clock that seems to step back counts in the newest bucket", () => {
    bytes = new Uint8Array(size);
    run(50n * second, () => wasm.countCall(at));
    run(40n * second, () => wasm.countCall(at));
    expect(run(50n * second, () => [wasm.newestNs(at), wasm.calls(at)])).toEqual([50n * second, 2n]);
  });
});
