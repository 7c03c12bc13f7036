import { setImmediate as turnOfTheLoop } from "node:timers/promises";
import { beforeEach, expect, test } from "vitest";
import { TestClock } from "../ports/clock.ts";
import { type EndTurn, FairLimiter } from "./limiter.ts";

const limits = { running: 3, runningPerKey: 2, waiting: 4, waitingPerKey: 3, restMs: 1000 };
let clock: TestClock;
let limiter: FairLimiter;
let turns: { readonly name: string; readonly end: EndTurn }[];
let refused: string[];

beforeEach(() => {
  clock = new TestClock();
  limiter = new FairLimiter(limits, clock);
  turns = [];
  refused = [];
});

/** Comes as `a1`, of key `a`. Returns what gives up. */
function come(name: string): () => void {
  const wait = new AbortController();
  void limiter.turn(name[0] ?? "", wait.signal).then((end) => {
    if (end === undefined) refused.push(name);
    else turns.push({ name, end });
  });
  return () => wait.abort();
}

/** Whose turn it is, after what was said is done. */
async function running(): Promise<string[]> {
  await turnOfTheLoop();
  return turns.map(({ name }) => name);
}

function end(name: string, outcome: "done" | "failed" = "done"): void {
  const at = turns.findIndex((one) => one.name === name);
  turns.splice(at, 1)[0]?.end(outcome);
}

test("so many run, of one key fewer, and the next when one is done", async () => {
  for (const name of ["a1", "a2", "a3", "b1", "c1"]) come(name);
  expect(await running()).toEqual(["a1", "a2", "b1"]);
  end("b1");
  expect(await running()).toEqual(["a1", "a2", "c1"]);
  end("a2");
  expect(await running()).toEqual(["a1", "c1", "a3"]);
});

test("keys take turns, however many of one wait", async () => {
  for (const name of ["a1", "a2", "b1", "a3", "a4", "b2", "c1"]) come(name);
  for (const over of ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]) {
    expect(await running()).toContain(over);
    end(over);
  }
});

test("who finds too many waiting is refused, unless it could start at once", async () => {
  for (const name of ["a1", "a2", "a3", "a4", "a5", "a6"]) come(name);
  expect(await running()).toEqual(["a1", "a2"]);
  expect(refused).toEqual(["a6"]); // of its key wait three
  for (const name of ["b1", "b2", "c1"]) come(name);
  expect(await running()).toEqual(["a1", "a2", "b1"]);
  expect(refused).toEqual(["a6", "c1"]); // four wait in all
  end("b1");
  expect(await running()).toEqual(["a1", "a2", "b2"]);
  end("b2");
  for (const name of ["d1", "d2", "d3"]) come(name);
  expect(await running()).toEqual(["a1", "a2", "d1"]);
  expect(refused).toEqual(["a6", "c1", "d3"]);
});

test("one that failed keeps its place from its key, and from no other, for a second", async () => {
  for (const name of ["a1", "a2", "a3", "a4", "b1", "b2"]) come(name);
  end((await running())[0] ?? "", "failed");
  expect(await running()).toEqual(["a2", "b1", "b2"]);
  end("b1");
  end("b2");
  clock.advance(999);
  expect(await running()).toEqual(["a2"]);
  clock.advance(1);
  expect(await running()).toEqual(["a2", "a3"]);
});

test("who gives up while it waits takes no turn, and no place", async () => {
  const [, , giveUp] = ["a1", "a2", "a3", "a4", "a5"].map(come);
  giveUp?.();
  come("a6");
  await running();
  expect(refused).toEqual(["a3"]);
  end("a1");
  expect(await running()).toEqual(["a2", "a4"]);
});
