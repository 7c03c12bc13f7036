import { expect, test } from "vitest";
import { TestClock } from "../ports/clock.ts";
import { TestLog } from "../ports/log.ts";
import { Reconciler } from "./reconciler.ts";

/** Things that must be written, and writes that a test ends. */
class Desk {
  readonly clock = new TestClock();
  readonly log = new TestLog();
  wanted: string[] = [];
  readonly writes: { readonly what: string; done(): void; fail(why: string): void }[] = [];
  readonly reconciler = new Reconciler({
    wanted: () => this.wanted,
    write: (what) =>
      new Promise((resolve, reject) => {
        this.writes.push({ what, done: resolve, fail: (why) => reject(new Error(why)) });
      }),
    describe: (what) => `thing ${what}`,
    clock: this.clock,
    random: () => 0,
    log: this.log,
  });

  get writing(): string[] {
    return this.writes.map(({ what }) => what);
  }

  want(...wanted: string[]): void {
    this.wanted = wanted;
    this.reconciler.check();
  }

  /** Ends the oldest write. */
  async end(why?: string): Promise<void> {
    const write = this.writes.shift();
    if (why === undefined) write?.done();
    else write?.fail(why);
    for (let i = 0; i < 5; i++) await Promise.resolve();
  }
}

test("each thing is written once at a time, eight things at most", async () => {
  const desk = new Desk();
  const many = Array.from({ length: 10 }, (_, i) => `t${i}`);
  desk.want(...many);
  desk.reconciler.check();
  expect(desk.writing).toEqual(many.slice(0, 8));
  await desk.end();
  expect(desk.writing).toEqual(many.slice(1, 9));
});

test("what has been written is left alone until its change must have come back", async () => {
  const desk = new Desk();
  desk.want("a");
  await desk.end();
  desk.reconciler.check();
  desk.clock.advance(1999);
  expect(desk.writing).toEqual([]);
  desk.clock.advance(1);
  expect(desk.writing).toEqual(["a"]);
});

test("what failed is tried again, later each time, and told once", async () => {
  const desk = new Desk();
  desk.want("a");
  const waits: number[] = [];
  for (let i = 0; i < 8; i++) {
    await desk.end("no");
    const startMs = desk.clock.nowMs();
    while (desk.writing.length === 0) desk.clock.advance(100);
    waits.push(desk.clock.nowMs() - startMs);
  }
  expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
  expect(desk.log.lines).toEqual(["warn: thing a can't be written, tried again: no"]);
});

test("what is no longer wanted is not tried again", async () => {
  const desk = new Desk();
  desk.want("a");
  await desk.end("no");
  desk.want();
  desk.clock.advance(60_000);
  expect(desk.writing).toEqual([]);
});

test("nothing is written after stop", async () => {
  const desk = new Desk();
  desk.want("a");
  desk.reconciler.stop();
  await desk.end("no");
  desk.clock.advance(60_000);
  desk.want("b");
  expect(desk.writing).toEqual([]);
});
