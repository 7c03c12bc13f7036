import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "../../test/support/wait.ts";
import { TestClock } from "../ports/clock.ts";
import { isRunning, markOf } from "./leftovers.ts";
import { KeptProcess, type ProcessEvent } from "./processes.ts";

let dir = "";
let kept: KeptProcess | undefined;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sluice-"));
});
afterEach(() => {
  kept?.kill();
  rmSync(dir, { recursive: true });
});

function keep(argv: readonly string[], { cwd = dir } = {}) {
  const clock = new TestClock();
  const events: ProcessEvent[] = [];
  const file = join(dir, "log");
  const process = new KeptProcess({
    command: { argv, cwd, env: globalThis.process.env },
    output: { file },
    ...{ clock, random: () => 0 },
    onEvent: (event) => events.push(event),
  });
  kept = process;
  process.start();
  const died = (times: number) =>
    until(() => {
      const deaths = events.filter((event) => event.state === "died");
      return deaths.length === times && deaths.at(-1);
    }, `death ${times}`);
  return { process, clock, events, died, text: () => readFileSync(file, "utf8") };
}

test("what dies is started again, each time later, and shows what it wrote last", async () => {
  const { clock, died } = keep(["sh", "-c", "echo out; echo why >&2; exit 7"]);
  const first = await died(1);
  expect(first).toEqual({ state: "died", reason: "exit code 7", lastLines: ["out", "why"], restartMs: 100 });
  clock.advance(100);
  expect(await died(2)).toEqual({ ...first, restartMs: 200 });
  clock.advance(199);
  clock.advance(1);
  expect(await died(3)).toEqual({ ...first, restartMs: 400 });
});

test("what ran for a while starts from the shortest wait again", async () => {
  const { process, clock, died } = keep(["sleep", "60"]);
  clock.advance(0);
  globalThis.process.kill(process.pid ?? 0, "SIGKILL");
  expect(await died(1)).toMatchObject({ reason: "SIGKILL", restartMs: 100 });
  clock.advance(100);
  clock.advance(10_000);
  globalThis.process.kill(process.pid ?? 0, "SIGKILL");
  expect(await died(2)).toMatchObject({ restartMs: 100 });
});

test.each([
  ["a program that isn't there", ["no-such-program"], {}, /no-such-program/],
  ["a folder that isn't there", ["true"], { cwd: "/no/such" }, /working directory \/no\/such does not exist/],
])("%s is a death that says so", async (_, argv, options, why) => {
  const { reason, lastLines } = await keep(argv, options).died(1);
  expect([reason, ...lastLines].join("\n")).toMatch(why);
});

test("is asked to stop, and killed with all it started where it doesn't", async () => {
  const script = "trap 'echo asked' TERM; sleep 60 & echo $!; while :; do wait; done";
  const { process, clock, events, text } = keep(["sh", "-c", script]);
  const [child] = await until(() => /^\d+$/m.exec(text()), "its child");
  const marks = [process.mark, markOf(Number(child))];
  const stopped = process.stop(5000);
  await until(() => text().includes("asked"), "the signal to arrive");
  clock.advance(5000);
  await stopped;
  await until(() => !marks.some((mark) => mark && isRunning(mark)), "all of its group to be gone");
  expect(marks.every(Boolean)).toBe(true);
  expect(events.map(({ state }) => state)).toEqual(["started"]);
});

test("what it started and left behind is ended before it starts again", async () => {
  const { died, text } = keep(["sh", "-c", "sleep 60 & echo $!"]);
  await until(() => /^\d+$/m.test(text()), "its child");
  await died(1);
  await until(() => markOf(Number(text())) === undefined, "its child to be gone");
});

test("is not started again once it was stopped", async () => {
  const { process, clock, events, died } = keep(["false"]);
  await died(1);
  await process.stop(0);
  clock.advance(60_000);
  expect(events).toHaveLength(2);
});
