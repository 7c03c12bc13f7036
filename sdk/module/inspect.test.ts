import binaryen from "assemblyscript/binaryen";
import { expect, test } from "vitest";
import { formatModuleProblem, inspectModule } from "./inspect.ts";

/** A module in text form; what stands in it is added to a marker and an allocator, so that it links but for that. */
function wasm(text: string): Uint8Array {
  const module = binaryen.parseText(`(module ${text})`);
  module.setFeatures(binaryen.Features.All);
  try {
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}

const marker = '(func (export "proxy_abi_version_0_2_1"))';
const allocator = '(func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 0))';

function problemsOf(bytes: Uint8Array): string[] {
  return inspectModule(bytes).problems.map(formatModuleProblem);
}

test("a module that links has no problem, and says what it calls and offers", () => {
  const { problems, capabilities, imports, exports, abi } = inspectModule(
    wasm(`
      (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
      (import "env" "proxy_record_metric" (func (param i32 i64) (result i32)))
      (import "wasi_snapshot_preview1" "clock_time_get" (func (param i32 i64 i32) (result i32)))
      (import "env" "memory" (memory 1))
      (import "env" "table" (table 1 funcref))
      ${marker} ${allocator}
      (func (export "proxy_on_log") (param i32))
      (func (export "_initialize"))
      (func (export "own") (param f64) (result v128) (unreachable))`),
  );
  expect({ problems, capabilities, abi }).toEqual({
    problems: [],
    capabilities: ["clock_time_get", "proxy_log", "proxy_on_log", "proxy_record_metric"],
    abi: "0.2.1",
  });
  expect(imports[1]).toEqual({
    module: "env",
    name: "proxy_record_metric",
    kind: "function",
    signature: { params: ["i32", "i64"], results: ["i32"] },
  });
  expect(exports.map(({ name }) => name)).toContain("_initialize");
});

test.each([
  [
    "an unknown import",
    `(import "env" "proxy_nothing" (func)) ${marker} ${allocator}`,
    "Failed to load Wasm module due to a missing import: env.proxy_nothing; Envoy does not have it: remove what calls it",
  ],
  [
    "AssemblyScript's own abort",
    `(import "env" "abort" (func (param i32 i32 i32 i32))) ${marker} ${allocator}`,
    "Failed to load Wasm module due to a missing import: env.abort; build it with asbuild, or with --use abort= and a handler of your own",
  ],
  [
    "Date.now",
    `(import "env" "Date.now" (func (result f64))) ${marker} ${allocator}`,
    "Failed to load Wasm module due to a missing import: env.Date.now; do without Math.random, trace, console, Date, performance, process and crypto: the SDK has log and clock",
  ],
  [
    "a hostcall of another ABI",
    `(import "env" "proxy_clear_route_cache" (func (result i32))) ${marker} ${allocator}`,
    "Failed to load Wasm module due to a missing import: env.proxy_clear_route_cache; Envoy has it only for ABI 0.1.0, and the module says 0.2.1",
  ],
  [
    "an imported global",
    `(import "env" "proxy_log" (global i32)) ${marker} ${allocator}`,
    "Failed to load Wasm module due to a missing import: env.proxy_log; Envoy offers functions only, and this is a global",
  ],
  [
    "an import of another type",
    `(import "env" "proxy_grpc_call" (func (param i32 i64))) ${marker} ${allocator}`,
    "Failed to load Wasm module due to an import type mismatch: env.proxy_grpc_call, want: i32 i64 -> void, " +
      "but host exports: i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 -> i32; " +
      "declare it as i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 -> i32",
  ],
  [
    "a callback of another type",
    `${marker} ${allocator} (func (export "proxy_on_request_headers") (param i32 i32) (result i32) (i32.const 0))`,
    "Bad function signature for: proxy_on_request_headers, want: i32 i32 i32 -> i32, " +
      "but the module exports: i32 i32 -> i32; correct its parameters and result",
  ],
  [
    "no marker",
    allocator,
    "Missing or unknown Proxy-Wasm ABI version; export a function named one of " +
      "proxy_abi_version_0_1_0, proxy_abi_version_0_2_0, proxy_abi_version_0_2_1",
  ],
  [
    "a marker that is no function",
    `${allocator} (global (export "proxy_abi_version_0_2_1") i32 (i32.const 0))`,
    "Missing or unknown Proxy-Wasm ABI version; export a function named one of " +
      "proxy_abi_version_0_1_0, proxy_abi_version_0_2_0, proxy_abi_version_0_2_1",
  ],
  [
    "no allocator",
    marker,
    "Wasm module is missing malloc function.; " +
      "export a function (size) -> address named malloc or proxy_on_memory_allocate",
  ],
  [
    "a start section",
    `${marker} ${allocator} (func $start) (start $start)`,
    "the module has a start section, which can crash Envoy at load; build it with --exportStart _initialize, or as a WASI reactor",
  ],
])("%s is refused in Envoy's words", (_, text, problem) => {
  expect(problemsOf(wasm(text))).toEqual([problem]);
});

test("the first marker says which ABI it is", () => {
  const older = '(func (export "proxy_abi_version_0_1_0"))';
  const callback = '(func (export "proxy_on_request_headers") (param i32 i32) (result i32) (i32.const 0))';
  expect(inspectModule(wasm(`${older} ${marker} ${allocator} ${callback}`))).toMatchObject({
    abi: "0.1.0",
    problems: [],
  });
});

test("all problems are named at once", () => {
  expect(inspectModule(wasm('(import "env" "abort" (func)) (func $start) (start $start)')).problems).toMatchObject([
    { code: "no-abi-marker" },
    { code: "unknown-import" },
    { code: "no-allocator" },
    { code: "start-section" },
  ]);
});

test.each([
  ["nothing", new Uint8Array(0), "0 bytes that begin with nothing"],
  ["a web page", new TextEncoder().encode("<html></html>"), "13 bytes that begin with 3c 68 74 6d"],
  ["a component", Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0), "8 bytes that begin with 00 61 73 6d"],
])("%s is no module", (_, bytes, what) => {
  const [problem] = problemsOf(bytes);
  expect(problem).toContain(`Failed to parse corrupted Wasm module: ${what}`);
});

test("a module that is cut off anywhere is a problem and never a throw", () => {
  const whole = wasm(`(import "env" "proxy_log" (func (param i32 i32 i32) (result i32))) ${marker} ${allocator}`);
  for (let size = 0; size < whole.length; size++) {
    expect(inspectModule(whole.subarray(0, size)).problems, `${size} of ${whole.length} bytes`).not.toEqual([]);
  }
});

test("sizes that cannot be are a problem", () => {
  const huge = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0x0f);
  expect(inspectModule(huge).problems).toContainEqual(expect.objectContaining({ code: "truncated" }));
});
