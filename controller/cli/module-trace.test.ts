import { expect, test } from "vitest";
import { registerModuleTrace } from "./module-trace.ts";
import { execute, newProgram } from "./program.ts";

/** Code of nowhere from 0, a.ts:1:1 from 16, b.ts:3:5 from 48. */
const map = { version: 3, sources: ["a.ts", "~lib/b.ts"], mappings: "A,gBAAA,gCCEI" };

const files: Readonly<Record<string, string>> = {
  "hello.wasm.map": JSON.stringify(map),
  "broken.wasm.map": "{}",
  "-": "cart | Proxy-Wasm plugin in-VM backtrace:\ncart |   0:   0x2f - add\ncart |   1: 0x1030 - Cart#on\ncart |   2:    0x3 - x\nGET /",
};

async function trace(...args: readonly string[]): Promise<string> {
  let written = "";
  const out = (text: string): void => {
    written += text;
  };
  const program = newProgram("0.1.0", { out, err: out });
  const readText = async (path: string) =>
    files[path] ?? (path.includes("\n") ? path : undefined) ?? Promise.reject(new Error(`ENOENT: '${path}'`));
  registerModuleTrace(program, { readText, print: out });
  await execute(program, ["trace", ...args], out);
  return written;
}

test("frames get their place in the source, all else stays", async () => {
  expect(await trace("hello.wasm")).toBe(
    "cart | Proxy-Wasm plugin in-VM backtrace:\ncart |   0:   0x2f - add (a.ts:1:1)\ncart |   1: 0x1030 - Cart#on (~lib/b.ts:3:5)\ncart |   2:    0x3 - x\nGET /",
  );
});

test("where the filter aborted, the message says the place", async () => {
  const abort = "critical envoy wasm log cart: abort: a trap at filters/cart/assembly/index.ts:16:9";
  const log = `${abort}\n  0:   0x2f - add\n  1:   0x2f - add\n  0:   0x2f - add`;
  expect(await trace("hello.wasm", log)).toBe(
    `${abort}\n  0:   0x2f - add (filters/cart/assembly/index.ts:16:9)\n  1:   0x2f - add (a.ts:1:1)\n  0:   0x2f - add (a.ts:1:1)`,
  );
});

test.each([
  [["none.wasm"], "Error: ENOENT: 'none.wasm.map'\nThe map must be of the very build that ran"],
  [["broken.wasm"], "Error: broken.wasm.map is no source map; npm run asbuild writes it with the module"],
  [["hello.wasm", "none.log"], "Error: ENOENT: 'none.log'"],
])("without map or log: %j", async (args, message) => {
  expect(await trace(...args)).toContain(message);
});
