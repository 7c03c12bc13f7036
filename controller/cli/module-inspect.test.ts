import binaryen from "assemblyscript/binaryen";
import { expect, test } from "vitest";
import { withCustomSection } from "../../sdk/build/custom-sections.ts";
import { manifestSection } from "../../sdk/module/manifest.ts";
import { registerModuleInspect } from "./module-inspect.ts";
import { execute, newProgram } from "./program.ts";

const callback = '(func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32) (i32.const 0))';
const needed = `(func (export "proxy_abi_version_0_2_1"))
  (func (export "malloc") (param i32) (result i32) (i32.const 0))
  (func (export "_initialize")) (memory (export "memory") 1)`;

const manifest = {
  name: "hello",
  version: "1.2.0",
  sdk: "0.1.0",
  abi: "0.2.1",
  attach: ["downstream"],
  configSchema: { properties: { greeting: { default: "hi", description: "What it says." }, to: {} } },
  metrics: [{ name: "hello_total", type: "counter", labels: ["to", "from"], help: "Greetings." }],
};

const files: Readonly<Record<string, Uint8Array>> = {
  "hello.wasm": withCustomSection(
    wasm(`(import "env" "proxy_log" (func (param i32 i32 i32) (result i32))) ${needed} ${callback}`),
    manifestSection,
    new TextEncoder().encode(JSON.stringify(manifest)),
  ),
  // As other SDKs' modules are: WASI, no manifest.
  "-": wasm(`(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32))) ${needed} ${callback}`),
  "refused.wasm": wasm(`(import "env" "abort" (func (param i32 i32 i32 i32)))
    (import "env" "\\1b[2Jgone" (func)) (func $start) (start $start) ${needed}`),
  "page.wasm": new TextEncoder().encode("<html></html>"),
  // As the first, but the callback's code gives no number back: nothing but the engine sees that.
  "bad-code.wasm": Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 9, 2, 0x60, 0, 0, 0x60, 1, 0x7f, 1, 0x7f, 3, 3, 2, 0, 1],
    ...[7, 36, 2, 23, ...new TextEncoder().encode("proxy_abi_version_0_2_1"), 0, 0],
    ...[6, ...new TextEncoder().encode("malloc"), 0, 1, 10, 7, 2, 2, 0, 0x0b, 2, 0, 0x0b],
  ]),
};

function wasm(text: string): Uint8Array {
  const module = binaryen.parseText(`(module ${text})`);
  module.setFeatures(binaryen.Features.All);
  try {
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}

async function inspect(...args: readonly string[]): Promise<{ out: string; err: string; code: number }> {
  let [out, err] = ["", ""];
  const write = {
    out: (text: string) => {
      out += text;
    },
    err: (text: string) => {
      err += text;
    },
  };
  const program = newProgram("0.1.0", write);
  const readBytes = async (path: string) => files[path] ?? Promise.reject(new Error(`ENOENT: '${path}'`));
  registerModuleInspect(program, { readBytes, print: write.out });
  const code = await execute(program, ["inspect", ...args], write.err);
  return { out, err, code };
}

test.each([
  ["a module of ours", ["hello.wasm"], "hello.txt", 0],
  ["a module of another SDK, from standard input", ["-"], "other-sdk.txt", 0],
  ["a module that Envoy refuses, with a name that would clear the screen", ["refused.wasm"], "refused.txt", 1],
  ["what is no module", ["page.wasm"], "page.txt", 1],
  ["code that the engine refuses", ["bad-code.wasm"], "bad-code.txt", 1],
  ["for scripts", ["refused.wasm", "-o", "json"], "refused.json.txt", 1],
] as const)("%s", async (_, args, golden, exitCode) => {
  const { out, err, code } = await inspect(...args);
  await expect(out).toMatchFileSnapshot(`testdata/module-inspect/${golden}`);
  expect(code).toBe(exitCode);
  if (exitCode === 1) expect(err).toMatch(/^Error: \S+: Envoy would refuse it, for \d+ reasons?\n$/);
});

test("a file that is not there", async () => {
  expect(await inspect("none.wasm")).toEqual({ out: "", err: "Error: ENOENT: 'none.wasm'\n", code: 1 });
});
