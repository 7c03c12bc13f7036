import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { realClock } from "./clock.ts";

const dayMs = 24 * 3_600_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("waits longer than Node's timers can", () => {
  let runs = 0;
  realClock.after(60 * dayMs, () => runs++);
  vi.advanceTimersByTime(60 * dayMs - 1);
  expect(runs).toBe(0);
  vi.advanceTimersByTime(1);
  expect(runs).toBe(1);
});

test("a long wait can be cancelled at any time", () => {
  let runs = 0;
  const cancel = realClock.after(60 * dayMs, () => runs++);
  vi.advanceTimersByTime(40 * dayMs);
  cancel();
  vi.advanceTimersByTime(40 * dayMs);
  expect([runs, vi.getTimerCount()]).toEqual([0, 0]);
});
