// The SDK as others get it: packed, unpacked below node_modules, with a new filter that is built and tested there.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { afterAll, beforeAll, expect, test, vi } from "vitest";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 }); // two compilers and a vitest, each in a process of its own

const repository = join(import.meta.dirname, "..", "..");
let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "sluice-packed-"));
});

afterAll(() => rmSync(root, { recursive: true }));

function run(command: string, args: readonly string[], cwd = root): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: exit code ${status}\n${stdout}${stderr}`);
  return stdout;
}

test("a new filter in a repository of its own builds and passes with the packed SDK", () => {
  const [tarball = ""] = run(execPath, [join(repository, "sdk/build/pack.ts"), root], repository)
    .trim()
    .split("\n")
    .slice(-1);
  run(execPath, [join(repository, "controller/main.ts"), "new", "filter", "cart-limit", root]);
  const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect(tarball).toBe(`sluice-sdk-${devDependencies["@sluice/sdk"]}.tgz`);

  const modules = join(root, "node_modules");
  mkdirSync(join(modules, "@sluice/sdk"), { recursive: true });
  run("tar", ["-xzf", tarball, "-C", join(modules, "@sluice/sdk"), "--strip-components=1"]);
  for (const name of ["assemblyscript", "vitest", "@vitest"])
    symlinkSync(join(repository, "node_modules", name), join(modules, name));
  const { bin } = JSON.parse(readFileSync(join(modules, "@sluice/sdk/package.json"), "utf8"));

  const asbuild = join(modules, "@sluice/sdk", bin["sluice-asbuild"]);
  expect(run(execPath, [asbuild])).toMatch(/^cart-limit +\d/);
  const vitest = join(modules, "vitest/vitest.mjs");
  run(execPath, [vitest, "run", "--root", root]);

  run(execPath, [asbuild, "--coverage"]);
  const report = run(execPath, [vitest, "run", "--root", root, "--coverage", "--coverage.reporter=text"]);
  expect(report).toMatch(/^ index\.ts +\| +100 \| +100 \| +100 \| +100 \|/m);
});
