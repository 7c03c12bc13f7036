import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
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

test("sluice analyze reads a folder and tries out the modules of its plugins", async () => {
  const metadata = { name: "budget", namespace: "shop" };
  const spec = { url: "builtin://retry-budget", pluginConfig: { percent: 5000 } };
  const plugin = { apiVersion: "extensions.istio.io/v1alpha1", kind: "WasmPlugin", metadata, spec };
  await mkdir(join(folder, "mesh", "plugins"), { recursive: true });
  const file = join(folder, "mesh", "plugins", "budget.json");
  await writeFile(file, JSON.stringify(plugin));
  const child = sluice("analyze", "--use-kube=false", join(folder, "mesh"));
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
  const column = JSON.stringify(plugin).indexOf("5000") + 1;
  const problem = "spec.pluginConfig.percent is 5000: it must be from 0 to 1000";
  expect([output, code]).toEqual([`Error [SLU0101] (WasmPlugin shop/budget ${file}:1:${column}) ${problem}\n`, 79]);
});

test.each(["nothing", "main.ts"])("sluice up needs a folder, which %s is not", async (name) => {
  const dir = join(import.meta.dirname, name);
  const child = sluice("up", dir);
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
  expect([output, code]).toEqual([`error: there is no folder ${dir}\n`, 1]);
  expect(existsSync(join(folder, "run"))).toBe(false);
});
