import { expect, test } from "vitest";
import { TestClock } from "../ports/clock.ts";
import { Coalescer } from "./coalesce.ts";

function started(): { clock: TestClock; coalescer: Coalescer; runsAtMs: number[] } {
  const clock = new TestClock();
  const runsAtMs: number[] = [];
  const coalescer = new Coalescer({ clock, run: () => runsAtMs.push(clock.nowMs()) });
  return { clock, coalescer, runsAtMs };
}

test.each`
  events                                         | runs
  ${[0]}                                         | ${[10]}
  ${[0, 9, 18]}                                  | ${[28]}
  ${[0, 10]}                                     | ${[10, 20]}
  ${[0, 30]}                                     | ${[10, 40]}
  ${Array.from({ length: 30 }, (_, i) => i * 5)} | ${[100, 155]}
`("events at $events ms run at $runs ms: after 10 ms of quiet, 100 ms at most", ({ events, runs }) => {
  const { clock, coalescer, runsAtMs } = started();
  for (const atMs of events) {
    clock.advance(atMs - clock.nowMs());
    coalescer.touch();
  }
  clock.advance(1000);
  expect(runsAtMs).toEqual(runs);
});

test("nothing runs after stop", () => {
  const { clock, coalescer, runsAtMs } = started();
  coalescer.touch();
  coalescer.stop();
  clock.advance(1000);
  expect(runsAtMs).toEqual([]);
});
