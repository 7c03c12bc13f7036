import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test, vi } from "vitest";
import { until } from "../../test/support/wait.ts";
import { RunFolder } from "./folder.ts";
import { endAll, isRunning, markOf } from "./leftovers.ts";
import { readRun } from "./state.ts";

vi.setConfig({ testTimeout: 60_000 }); // they start many processes, on a machine that may be busy

test("a killed runner takes everything with it, and the next one clears its folder", async () => {
  const runner = spawn(process.execPath, [join(import.meta.dirname, "test-support/crashing.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [runFolder] = await once(createInterface({ input: runner.stdout }), "line");
  const run = readRun(runFolder);
  expect(run?.processes.filter(isRunning)).toHaveLength(5); // runner, controller, two Envoys, an application
  runner.kill("SIGKILL");
  await until(() => run?.processes.some(isRunning) === false, "all of its processes to end");

  expect(existsSync(runFolder)).toBe(true);
  const { folder, ended } = await RunFolder.claim(runFolder);
  expect(ended).toBe(0);
  expect(readRun(runFolder)).toBeUndefined();
  folder.remove();
  rmSync(dirname(runFolder), { recursive: true });
});

test("what a crashed run left running is ended; a process that only has its number is not", async () => {
  const [left, foreign] = [sleeper(), sleeper()];
  const marks = [left, foreign].map(({ pid = 0 }) => markOf(pid)).filter((mark) => mark !== undefined);
  const [mark, other] = marks;
  if (!mark || !other) throw new Error("nothing runs");
  expect(await endAll([mark, { ...other, startTime: "before" }])).toBe(1);
  expect(isRunning(mark)).toBe(false);
  expect(isRunning(other)).toBe(true);
  foreign.kill("SIGKILL");
});

function sleeper() {
  return spawn(process.execPath, ["-e", "setInterval(() => {}, 60_000)"], { detached: true, stdio: "ignore" });
}
