import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

vi.setConfig({ testTimeout: 60_000 }); // each starts a process, on a machine that may be busy

const main = join(import.meta.dirname, "main.ts");
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-program-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function sluice(...args: readonly string[]) {
  const env = { ...process.env, SLUICE_RUN_DIR: join(folder, "run"), ENVOY: "" };
  return spawn(process.execPath, [main, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
}

test("whoever reads the output may stop early", async () => {
  const child = sluice("proxy-config", "--help");
  child.stdout.destroy();
  const [errors, [code]] = await Promise.all([text(child.stderr), once(child, "close")]);
  expect([errors, code]).toEqual(["", 141]);
});

test.each(["nothing", "main.ts"])("sluice up needs a folder, which %s is not", async (name) => {
  const dir = join(import.meta.dirname, name);
  const child = sluice("up", dir);
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
  expect([output, code]).toEqual([`error: there is no folder ${dir}\n`, 1]);
  expect(existsSync(join(folder, "run"))).toBe(false);
});
