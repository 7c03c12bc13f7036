import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readModule } from "./read-module.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-modules-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("a file's bytes", async () => {
  const file = join(folder, "some.wasm");
  writeFileSync(file, "\0asm");
  expect(Buffer.from(await readModule(file)).toString()).toBe("\0asm");
});

test("what has no end, or too many bytes, is not read", async () => {
  const [pipe, large] = [join(folder, "pipe"), join(folder, "large.wasm")];
  spawnSync("mkfifo", [pipe]);
  writeFileSync(large, "");
  truncateSync(large, (60 << 20) + 1); // takes no space
  for (const file of ["/dev/zero", pipe, folder]) {
    await expect(readModule(file)).rejects.toThrow("it is no regular file");
  }
  await expect(readModule(large)).rejects.toThrow("it has 62914561 bytes: a module may have 62914560 at most");
  await expect(readModule(join(folder, "none"))).rejects.toThrow("ENOENT");
});
