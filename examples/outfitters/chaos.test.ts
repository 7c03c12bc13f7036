import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { catalogApp } from "./catalog/app.ts";
import { serve } from "./test-support.ts";

const run = promisify(execFile);
const runFolder = mkdtempSync(join(tmpdir(), "sluice-"));
const catalogs = await Promise.all(
  ["v1", "v2"].map(() => serve(catalogApp({ showImage: false, random: () => 0, log: () => {} }))),
);

beforeAll(() => {
  const pods = catalogs.map(({ url }, i) => ({
    ...{ name: `catalog-${i}`, namespace: "shop", ip: "127.0.18.9", appPort: Number(url.port) },
  }));
  writeFileSync(join(runFolder, "run.json"), JSON.stringify({ pods: [{ name: "webapp-1", appPort: 1 }, ...pods] }));
});
afterAll(async () => {
  for (const catalog of catalogs) await catalog.close();
  rmSync(runFolder, { recursive: true });
});

function chaos(...args: readonly string[]) {
  return run(join(import.meta.dirname, "chaos.sh"), args, { env: { ...process.env, SLUICE_RUN_DIR: runFolder } });
}

async function blowups(): Promise<readonly unknown[]> {
  return Promise.all(catalogs.map(async ({ url }) => (await fetch(new URL("/blowup", url))).json()));
}

test.each([
  [["500"], { "500": { active: true, type: "500" } }],
  [["500", "50"], { "500": { active: true, type: "500", percentage: 50 } }],
  [["500", "delete"], { "500": { active: false, type: "500" } }],
  [["latency", "300"], { latency: { active: true, type: "latency", latencyMs: 300 } }],
  [["latency", "delete"], { latency: { active: false, type: "latency" } }],
])("chaos.sh %j tells every catalog", async (args, expected) => {
  const { stdout } = await chaos(...args);
  expect(stdout).toBe("blowups=[object Object]\nblowups=[object Object]\n");
  expect(await blowups()).toEqual([expect.objectContaining(expected), expect.objectContaining(expected)]);
});

test.each([[[]], [["503"]], [["500", "many"]]])("chaos.sh %j shows how to use it", async (args) => {
  await expect(chaos(...args)).rejects.toMatchObject({ code: 64, stderr: expect.stringContaining("usage") });
});
