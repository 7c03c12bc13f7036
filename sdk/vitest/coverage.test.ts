// What an instrumented filter counts, as vitest's coverage gets it.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { buildFilter } from "../build/build-filter.ts";
import { findFilters } from "../build/filters.ts";
import { type Counters, collectCoverage, Host } from "../host/index.ts";
import { addCounts, type FileCoverage, fileCoverages } from "./istanbul.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // the compiler takes seconds where others compute

const code = `import { HeadersAction, HttpContext, Plugin, registerPlugin } from "@sluice/sdk/assembly";
class Ways extends Plugin {
  createHttpContext(): HttpContext { return new Way(); }
}
class Way extends HttpContext {
  onRequestHeaders(end: bool): HeadersAction {
    const path = this.requestHeaders.get(":path");
    if (path == null) return HeadersAction.Continue;
    if (path == "/a") this.never(1);
    else this.requestHeaders.set("x-way", path == "/b" ? "b" : "other");
    for (let i = 0; i < 3; i++) this.requestHeaders.add("x-i", i.toString());
    switch (path.length) {
      case 1: return HeadersAction.Continue;
      default: break;
    }
    return HeadersAction.Continue;
  }
  never(n: i32): void {
    if (n > 1) { this.requestHeaders.remove("x-way"); }
  }
}
registerPlugin(() => new Ways());
`;

let root: string;
let module: Uint8Array;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "sluice-coverage-"));
  mkdirSync(join(root, "node_modules/@sluice"), { recursive: true });
  symlinkSync(join(import.meta.dirname, ".."), join(root, "node_modules/@sluice/sdk"));
  writeFileSync(join(root, "asconfig.json"), '{ "extends": "./node_modules/@sluice/sdk/asconfig.json" }');
  mkdirSync(join(root, "filters/ways/assembly"), { recursive: true });
  writeFileSync(join(root, "filters/ways/assembly/index.ts"), code);
  const [filter] = findFilters(root);
  if (filter === undefined) throw new Error("there is no filter");
  const build = await buildFilter(root, filter, { coverage: true });
  if (!build.ok) throw new Error(build.messages);
  module = build.bytes;
});

afterAll(() => rmSync(root, { recursive: true }));

/** Requests for these paths, and what they cover. */
async function cover(...paths: readonly string[]): Promise<FileCoverage> {
  const vms: Counters[] = [];
  collectCoverage((vm) => vms.push(vm));
  const host = await Host.load(module);
  for (const path of paths) host.fetch({ path });
  const [sum, ...others] = vms.flatMap((vm) => fileCoverages(vm, (path) => `/repository/${path}`));
  if (sum === undefined) throw new Error("nothing was counted");
  for (const other of others) addCounts(sum, other);
  return sum;
}

/** Counts by the line that a statement starts on. */
const lines = ({ statementMap, s }: FileCoverage) =>
  Object.entries(statementMap).map(([id, { start }]) => [start.line, s[id]]);
const branches = ({ branchMap, b }: FileCoverage) =>
  Object.entries(branchMap).map(([id, { type, line }]) => `${line} ${type} ${b[id]}`);

test("statements, functions and branches, over all VMs", async () => {
  const coverage = await cover("/a", "/b", "/b", "/", "/cc");
  expect(coverage.path).toBe("/repository/filters/ways/assembly/index.ts");
  const functions = Object.entries(coverage.fnMap).map(([id, { name, line }]) => `${line} ${name} ${coverage.f[id]}`);
  expect(functions).toEqual(["3 createHttpContext 5", "6 onRequestHeaders 5", "18 never 1"]);
  const counted = [
    [3, 5],
    [7, 5],
    [8, 5],
    [8, 0],
    [9, 5],
    [9, 1],
    [10, 4],
    [11, 5],
    [11, 15],
    [12, 5],
    [13, 1],
    [14, 4],
    [16, 4],
    [19, 1],
    [19, 0],
  ];
  expect(lines(coverage).sort(([a = 0], [b = 0]) => a - b)).toEqual(expect.arrayContaining(counted));
  expect(lines(coverage)).toHaveLength(counted.length);
  expect(branches(coverage).sort()).toEqual(["10 cond-expr 2,2", "12 switch 1,4", "19 if 0,1", "8 if 0,5", "9 if 1,4"]);
});

test("a filter counts as it works", async () => {
  const seen: (string | undefined)[] = [];
  const host = await Host.load(module);
  host.fetch({ path: "/b" }, ({ headers }) => {
    seen.push(headers.get("x-way"), headers.getAll("x-i").join());
    return { status: 200 };
  });
  expect(seen).toEqual(["b", "0,1,2"]);
});
