import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { inspectModule } from "../module/inspect.ts";
import { buildFilter } from "./build-filter.ts";
import { findFilters } from "./filters.ts";
import { digestOf } from "./made-from.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // the compiler takes seconds where others compute

const repository = join(import.meta.dirname, "..", "..");
let root: string;

/** A repository of its own that has the SDK as a package, as anybody's would. */
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "sluice-build-"));
  mkdirSync(join(root, "node_modules", "@sluice"), { recursive: true });
  symlinkSync(join(repository, "sdk"), join(root, "node_modules", "@sluice", "sdk"));
  write("asconfig.json", readFileSync(join(repository, "asconfig.json"), "utf8"));
});

afterAll(() => rmSync(root, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function filter(name: string, code: string) {
  write(`filters/${name}/assembly/index.ts`, code);
  return { name, folder: `filters/${name}`, source: `filters/${name}/assembly/index.ts` };
}

async function inspected(name: string, code: string) {
  const build = await buildFilter(root, filter(name, code));
  if (!build.ok) throw new Error(build.messages);
  await WebAssembly.compile(build.bytes.slice()); // rejects where the engine would refuse it
  return inspectModule(build.bytes);
}

const sdk = "@sluice/sdk/assembly";

test("only the callbacks that a class overrides are exported, and what they need imported", async () => {
  const module = await inspected(
    "two-halves",
    `import { HeadersAction, HttpContext, Plugin, registerPlugin } from "${sdk}";
     class Base extends HttpContext {
       onResponseHeaders(endOfStream: bool): HeadersAction { return HeadersAction.Continue; }
     }
     class Downstream extends Base { onLog(): void { this.filterState.set("a", "b"); } }
     class TwoHalves extends Plugin {
       createHttpContext(): HttpContext { return new Downstream(); }
       createUpstreamContext(): HttpContext { return new Base(); }
     }
     registerPlugin(() => new TwoHalves());`,
  );
  expect(module.exports.map(({ name }) => name).sort()).toEqual([
    "_initialize",
    "memory",
    "proxy_abi_version_0_2_1",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_log",
    "proxy_on_memory_allocate",
    "proxy_on_response_headers",
  ]);
  expect(module.imports.map(({ name }) => name).sort()).toEqual([
    "proxy_get_property",
    "proxy_log",
    "proxy_set_effective_context",
    "proxy_set_property",
  ]);
  expect(module.manifest?.attach).toEqual(["downstream", "upstream"]);
  expect(module.problems).toEqual([]);
});

test("the manifest says what stands beside the code", async () => {
  const metrics = [{ name: "calls", type: "counter", labels: ["to"], help: "Calls." }];
  write("filters/described/manifest.json", JSON.stringify({ version: "1.2.3", metrics }));
  const { manifest } = await inspected(
    "described",
    `import { HttpContext, Plugin, registerPlugin } from "${sdk}";
     class Stream extends HttpContext {}
     class Described extends Plugin { createUpstreamContext(): HttpContext { return new Stream(); } }
     registerPlugin(() => new Described());`,
  );
  const sdkVersion = JSON.parse(readFileSync(join(repository, "sdk", "package.json"), "utf8")).version;
  expect(manifest).toEqual({
    name: "described",
    version: "1.2.3",
    sdk: sdkVersion,
    abi: "0.2.1",
    attach: ["upstream"],
    metrics,
  });
});

test("an error has the compiler's source frame", async () => {
  const build = await buildFilter(
    root,
    filter("broken", 'import { Plugin } from "@sluice/sdk/assembly";\nconst x: i32 = "a";\n'),
  );
  expect(build).toMatchObject({ ok: false });
  expect(build.messages).toContain("in filters/broken/assembly/index.ts(2,16)");
  expect(build.messages).toContain('const x: i32 = "a";');
});

const missing = (name: string) =>
  `Failed to load Wasm module due to a missing import: env.${name}; do without Math.random`;

describe("what a filter must not do is refused, with the cure", () => {
  test.each([
    ["Math.random();", "", missing("seed")],
    ['trace("a");', "", missing("trace")],
    ['console.log("a");', "", missing("console.log")],
    ["Date.now();", "", missing("Date.now")],
    ["performance.now();", "", missing("performance.now")],
    ["process.exit(1);", "", missing("process.exit")],
    ["crypto.getRandomValues(new Uint8Array(1));", "", missing("crypto.getRandomValuesN")],
    [
      "foreign();",
      '@external("env", "x") declare function foreign(): void;',
      "env.x; Envoy does not have it: remove what calls it",
    ],
    [
      "wrong();",
      '@external("env", "proxy_done") declare function wrong(): void;',
      "import type mismatch: env.proxy_done, want: void -> void, but host exports: void -> i32; declare it as",
    ],
    ["", 'resolveQueue("a", "b");', "calls proxy_resolve_shared_queue, which Envoy allows from onVmStart on; move it"],
    ["", "unreachable();", "its code outside of functions traps: unreachable"],
    [
      "",
      "let requests = 0;",
      "requests: all plugins of a VM share a variable of a module; make it a field of the plugin",
    ],
    ["", "class All { static requests: i32 = 0; }", "requests: all plugins of a VM share a static field; make it"],
  ])("%s %s", async (statement, outside, problem) => {
    const code = `import { HttpContext, Plugin, registerPlugin, resolveQueue } from "${sdk}";
       ${outside}
       class Stream extends HttpContext { onLog(): void { ${statement} } }
       class Wrong extends Plugin { createHttpContext(): HttpContext { return new Stream(); } }
       registerPlugin(() => new Wrong());`;
    expect((await buildFilter(root, filter("wrong", code))).messages).toContain(problem);
  });

  test.each([
    ["noAssert", "asconfig.json: noAssert: a null would be read as memory at address 0; leave it out"],
    [
      "exportRuntime",
      "asconfig.json: bindings or exportRuntime: nobody in Envoy calls what they export; leave them out",
    ],
  ])("the flag %s", async (flag, problem) => {
    const config = readFileSync(join(root, "asconfig.json"), "utf8");
    write("asconfig.json", JSON.stringify({ ...JSON.parse(config), options: { [flag]: true } }));
    const code = `import { HttpContext, Plugin, registerPlugin } from "${sdk}";
       class Flagged extends Plugin { createHttpContext(): HttpContext | null { return null; } }
       registerPlugin(() => new Flagged());`;
    expect((await buildFilter(root, filter("flagged", code))).messages).toBe(problem);
    write("asconfig.json", config);
  });
});

test("a plugin that overrides onLog alone is an access logger", async () => {
  const { manifest, exports } = await inspected(
    "logger",
    `import { HttpContext, log, Plugin, registerPlugin } from "${sdk}";
     class Logger extends Plugin { onLog(): void { log.info("over"); } }
     class Stream extends HttpContext { onLog(): void {} }
     registerPlugin(() => new Logger());`,
  );
  expect(manifest?.attach).toEqual(["access-log"]);
  expect(exports.map(({ name }) => name)).toContain("proxy_on_log");
});

test("a filter that no request would reach is refused", async () => {
  const code = `import { Plugin, registerPlugin } from "${sdk}";\nclass Idle extends Plugin {}\nregisterPlugin(() => new Idle());`;
  expect((await buildFilter(root, filter("idle", code))).messages).toContain("no plugin overrides createHttpContext");
});

test.each([
  ["{", /filters\/declared\/manifest\.json: /],
  ["[]", /manifest\.json: an object is expected/],
  ['{"versoin": "1"}', /manifest\.json: versoin is unknown; known are version, metrics/],
  ['{"version": 1}', /manifest\.json: version is no text/],
  ['{"metrics": [{"name": "a"}]}', /manifest\.json: metrics is no list/],
])("the manifest.json %s is refused", async (text, problem) => {
  write("filters/declared/manifest.json", text);
  expect((await buildFilter(root, filter("declared", ""))).messages).toMatch(problem);
});

test("the digest changes with the sources and not without", () => {
  const one = filter("digested", "let a = 1;");
  const before = digestOf(root, one);
  expect(digestOf(root, one)).toBe(before);
  write("filters/digested/assembly/part.ts", "let b = 1;");
  const after = digestOf(root, one);
  expect(after).not.toBe(before);
  write("filters/digested/digested.test.ts", "test");
  expect(digestOf(root, one)).toBe(after);
});

test("filters are the folders that have an assembly/index.ts", () => {
  write("examples/shop/README.md", "no filter");
  expect(findFilters(root).map(({ name }) => name)).not.toContain("shop");
  expect(findFilters(root)).toContainEqual({
    name: "digested",
    folder: "filters/digested",
    source: "filters/digested/assembly/index.ts",
  });
});

test("the example of the README compiles", async () => {
  const [, code = ""] = readFileSync(join(repository, "sdk/README.md"), "utf8").split(/```(?:ts)?\n/);
  const { problems, manifest } = await inspected("readme", code);
  expect({ problems, attach: manifest?.attach }).toEqual({ problems: [], attach: ["downstream"] });
});

test("examples/filters/hello stays small: code, names for stack traces and manifest", async () => {
  const [hello] = findFilters(repository).filter(({ name }) => name === "hello");
  if (!hello) throw new Error("examples/filters/hello is gone");
  const build = await buildFilter(repository, hello);
  expect(build.ok && build.bytes.length).toBeLessThan(8 * 1024);
});
