import { expect, test } from "vitest";
import { TestClock } from "../ports/clock.ts";
import { TestLog } from "../ports/log.ts";
import { Refusals } from "./refusals.ts";

const clock = new TestClock(Date.UTC(2026, 0));

test("a refusal is told once for each peer and reason, and again after ten minutes, with how often it was", () => {
  const log = new TestLog();
  const refusals = new Refusals({ clock, log });
  for (let port = 1000; port < 1050; port++) refusals.tell(`10.0.0.7:${port}`, "no token");
  refusals.tell("10.0.0.7:1", "expired");
  refusals.tell("[::1]:1", "no token");
  expect(log.lines).toEqual([
    "warn: xDS stream of 10.0.0.7 refused: no token",
    "warn: xDS stream of 10.0.0.7 refused: expired",
    "warn: xDS stream of [::1] refused: no token",
  ]);
  clock.advance(10 * 60_000);
  refusals.tell("10.0.0.7:2", "no token");
  refusals.tell("10.0.0.7:3", "no token");
  expect(log.lines.slice(3)).toEqual([
    "warn: xDS stream of 10.0.0.7 refused: no token (50 times since 2026-01-01T00:00:00.000Z)",
  ]);
});

test("a peer can't write lines of its own, nor fill the memory", () => {
  const log = new TestLog();
  const refusals = new Refusals({ clock, log });
  refusals.tell("10.0.0.7:1", "node.id says a\nerror: all is lost");
  expect(log.lines).toEqual(["warn: xDS stream of 10.0.0.7 refused: node.id says a error: all is lost"]);
  for (let n = 0; n < 1000; n++) refusals.tell("10.0.0.8:1", `${n}`);
  refusals.tell("10.0.0.8:1", "999");
  expect(log.lines).toHaveLength(1001);
  refusals.tell("10.0.0.7:1", "node.id says a\nerror: all is lost");
  expect(log.lines).toHaveLength(1002);
});
