import { createHash } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import type { MeshObject } from "../model/object.ts";
import { problemText } from "../model/problem.ts";
import { parseSha256, type WasmPlugin } from "../model/wasm-plugin.ts";
import type { Checked, Job } from "./check.ts";
import { ModuleStore } from "./store.ts";

const good: Checked = { module: { attach: ["downstream"], capabilities: [] }, problems: [] };
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

let files: Record<string, string>;
let jobs: Job[];
let store: ModuleStore;
let changes: number;

beforeEach(() => {
  files = { "/m/a.wasm": "module a", "/built/deadline.wasm": "module deadline" };
  jobs = [];
  changes = 0;
  store = new ModuleStore({
    read: async (file) => {
      const text = files[file];
      if (text === undefined) throw new Error(`ENOENT: ${file}`);
      return bytesOf(text);
    },
    check: async (job) => {
      jobs.push(job);
      const text = new TextDecoder().decode(job.bytes);
      return text.startsWith("module") && !job.config.includes("bad")
        ? good
        : { problems: [{ message: 'is "bad": no good', field: ["window"] }] };
    },
    builtinFile: (name) => `/built/${name}.wasm`,
    onChange: () => changes++,
  });
});

function plugin(spec: Partial<WasmPlugin> = {}): MeshObject<"WasmPlugin"> {
  return {
    kind: "WasmPlugin",
    meta: { namespace: "shop", name: "p", labels: {}, annotations: {} },
    spec: {
      url: "file:///m/a.wasm",
      type: "HTTP",
      phase: "AUTHN",
      pluginName: "",
      failStrategy: "FAIL_CLOSE",
      env: {},
      match: [],
      ...spec,
    },
  };
}

/** What runs and what is said, once everything was tried. */
async function outcome(object: MeshObject<"WasmPlugin">) {
  store.resolve([object]);
  await store.settled();
  const { plugins, problems } = store.resolve([object]);
  return {
    runs: plugins.map(({ object: { spec }, module }) => [
      spec.pluginConfig ?? null,
      module && new TextDecoder().decode(module.bytes),
    ]),
    problems: problems.map(problemText),
  };
}

test("a plugin whose first check goes on is left out, and there once it is over", async () => {
  expect(store.resolve([plugin()]).plugins).toEqual([]);
  await store.settled();
  expect(changes).toBe(1);
  expect(store.resolve([plugin()]).plugins).toHaveLength(1);
});

test("a built-in filter is found by its name", async () => {
  expect(await outcome(plugin({ url: "builtin://deadline" }))).toEqual({
    runs: [[null, "module deadline"]],
    problems: [],
  });
});

describe("what was never good stands without a module and says why", () => {
  const digest = createHash("sha256").update("module a").digest("hex");
  test.each([
    [{ url: "file:///m/none.wasm" }, 'spec.url is "file:///m/none.wasm", which can\'t be read: ENOENT: /m/none.wasm'],
    [
      { url: "builtin://nope" },
      'spec.url is "builtin://nope": there is no such filter; the built-in ones are retry-budget, deadline, telemetry',
    ],
    [
      { url: "file://a.wasm" },
      'spec.url is "file://a.wasm": not an absolute file path; write file:///folder/module.wasm',
    ],
    [
      { sha256: parseSha256("0".repeat(64)) ?? undefined },
      `spec.sha256 is ${"0".repeat(64)}, but file:///m/a.wasm has ${digest}; correct one of them`,
    ],
    [{ pluginConfig: { window: "bad" } }, 'spec.pluginConfig.window is "bad": no good'],
  ])("%o", async (spec, sentence) => {
    const { sha256, ...rest } = { sha256: undefined, ...spec };
    expect(await outcome(plugin({ ...rest, ...(sha256 && { sha256 }) }))).toEqual({
      runs: [[(rest as Partial<WasmPlugin>).pluginConfig ?? null, undefined]],
      problems: [`WasmPlugin shop/p: ${sentence}`],
    });
  });
});

test("the last good object with its module stays in force while a new one is bad", async () => {
  await outcome(plugin({ pluginConfig: { window: "1s" } }));
  const { runs, problems } = await outcome(plugin({ pluginConfig: { window: "bad" }, priority: 3 }));
  expect(runs).toEqual([[{ window: "1s" }, "module a"]]);
  expect(problems).toHaveLength(1);
  expect(await outcome(plugin({ pluginConfig: { window: "2s" } }))).toEqual({
    runs: [[{ window: "2s" }, "module a"]],
    problems: [],
  });
});

test("a changed file is looked at again; where it is bad, the old bytes stay", async () => {
  await outcome(plugin());
  files["/m/a.wasm"] = "rubbish";
  store.changed("/m/a.wasm");
  expect((await outcome(plugin())).runs).toEqual([[null, "module a"]]);
  files["/m/a.wasm"] = "module new";
  store.changed("/m/a.wasm");
  expect(await outcome(plugin())).toEqual({ runs: [[null, "module new"]], problems: [] });
});

test("what a module does not depend on changes at once, without a check", async () => {
  await outcome(plugin());
  expect(store.resolve([plugin({ priority: 7 })]).plugins[0]?.object.spec.priority).toBe(7);
  expect(jobs).toHaveLength(1);
});

test("a module with a configuration that was tried before is not tried again", async () => {
  await outcome(plugin({ pluginConfig: { window: "1s" } }));
  await outcome(plugin({ pluginConfig: { window: "2s" } }));
  await outcome(plugin({ pluginConfig: { window: "1s" } }));
  expect(jobs.map(({ config }) => config)).toEqual(['{"window":"1s"}', '{"window":"2s"}']);
});

test("of two checks under way the later object counts", async () => {
  store.resolve([plugin({ pluginConfig: { window: "1s" } })]);
  expect((await outcome(plugin({ pluginConfig: { window: "2s" } }))).runs).toEqual([[{ window: "2s" }, "module a"]]);
});
