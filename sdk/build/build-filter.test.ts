import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
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
    filter("broken", 'import { Plugin } from "@sluice/sdk/assembly";\nlet x: i32 = "a";\n'),
  );
  expect(build).toMatchObject({ ok: false });
  expect(build.messages).toContain("in filters/broken/assembly/index.ts(2,14)");
  expect(build.messages).toContain('let x: i32 = "a";');
});

test("what Envoy would not link is refused", async () => {
  const build = await buildFilter(
    root,
    filter(
      "random",
      `import { HttpContext, Plugin, registerPlugin } from "${sdk}";
       class Stream extends HttpContext { onLog(): void { if (Math.random() < 0.5) this.filterState.set("a", "b"); } }
       class Random extends Plugin { createHttpContext(): HttpContext { return new Stream(); } }
       registerPlugin(() => new Random());`,
    ),
  );
  expect(build.messages).toContain(
    "filters/random/assembly/index.ts: Failed to load Wasm module due to a missing import: env.seed",
  );
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
