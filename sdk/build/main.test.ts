import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { afterAll, beforeAll, expect, test, vi } from "vitest";

vi.setConfig({ testTimeout: 180_000 }); // several compilers, each a process of its own

const repository = join(import.meta.dirname, "..", "..");
const good = readFileSync(join(repository, "examples/filters/hello/assembly/index.ts"), "utf8");
let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "sluice-asbuild-"));
  mkdirSync(join(root, "node_modules", "@sluice"), { recursive: true });
  symlinkSync(join(repository, "sdk"), join(root, "node_modules", "@sluice", "sdk"));
  symlinkSync(join(repository, "asconfig.json"), join(root, "asconfig.json"));
  mkdirSync(join(root, "filters/hello/assembly"), { recursive: true });
  save(good);
});

afterAll(() => rmSync(root, { recursive: true }));

/** Where CI is set, the compiler writes colours also into a pipe. */
const { CI: _, ...uncoloured } = process.env;

function asbuild(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(execPath, [join(repository, "sdk/build/main.ts"), ...args], {
    cwd: root,
    encoding: "utf8",
    env: uncoloured,
  });
}

function save(code: string): void {
  writeFileSync(join(root, "filters/hello/assembly/index.ts"), code);
}

test("a filter is built once, then only when it has changed, and an error leaves the last good module", () => {
  const module = join(root, "build/hello.wasm");
  const first = asbuild("--if-changed");
  expect(first).toMatchObject({ status: 0, stderr: "" });
  expect(first.stdout).toMatch(/^hello +\d+\.\d KiB {2}gzip +\d+\.\d KiB {2}new {2}\d+ ms\n$/);
  const bytes = readFileSync(module);

  expect(asbuild("--if-changed")).toMatchObject({ status: 0, stdout: "", stderr: "" });

  save(good.replace('"from sluice"', "42"));
  const broken = asbuild("--if-changed");
  expect(broken).toMatchObject({ status: 1, stdout: "" });
  expect(broken.stderr).toMatch(/ERROR TS2322: .*[\s\S]*in filters\/hello\/assembly\/index\.ts\(\d+,\d+\)/);
  expect(broken.stderr).toContain("hello: not built");
  expect(readFileSync(module)).toEqual(bytes);

  save(good.replace('"from sluice"', '"from sluice again"'));
  expect(asbuild("hello").stdout).toMatch(/\+\d+ B/);
  expect(existsSync(module)).toBe(true);
});

test("where there is no filter at all, that is said", () => {
  const { status, stderr } = spawnSync(execPath, [join(repository, "sdk/build/main.ts")], {
    cwd: join(root, "filters"),
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: "there is no filter: filters/NAME/assembly/index.ts makes one\n",
  });
});

test.each([
  [["nothing"], "nothing: there is no such filter; there are hello"],
  [["--wrong"], "Usage: npm run asbuild"],
  [["--coverage", "--watch"], "--coverage builds once, whatever has changed; leave out --watch and --if-changed"],
  [["--coverage", "--if-changed"], "--coverage builds once, whatever has changed; leave out --watch and --if-changed"],
])("the arguments %j are refused", (args, message) => {
  const { status, stderr } = asbuild(...args);
  expect(status).toBe(1);
  expect(stderr).toContain(message);
});
