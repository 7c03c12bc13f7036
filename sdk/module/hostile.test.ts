// Modules come from anybody: whatever the bytes are, they are read to an answer, in time and memory of their size.
import binaryen from "assemblyscript/binaryen";
import fc from "fast-check";
import { expect, test } from "vitest";
import { inspectModule } from "./inspect.ts";

const whole = wasm(`(module
  (import "env" "proxy_log" (func (param i32 i32 i32) (result i32)))
  (import "env" "table" (table 1 2 funcref))
  (import "env" "memory" (memory 1 2))
  (global (mut i64) (i64.const 0))
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "malloc") (param i32) (result i32) (i32.const 0))
  (func (export "proxy_on_log") (param i32)))`);

function wasm(text: string): Uint8Array {
  const module = binaryen.parseText(text);
  module.setFeatures(binaryen.Features.All);
  try {
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}

/** Bytes that numbers, sizes and counts are made of, the extreme ones often. */
const byte = fc.oneof(fc.constantFrom(0, 1, 0x60, 0x63, 0x7f, 0x80, 0xff), fc.nat(255));

const edit = fc.record({ at: fc.nat(whole.length), gone: fc.nat(3), put: fc.array(byte, { maxLength: 6 }) });

test("10,000 changed and cut modules are read without a throw, and what is found fits into their bytes", () => {
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 4 }), fc.nat(whole.length), (edits, end) => {
      const bytes = [...whole];
      for (const { at, gone, put } of edits) bytes.splice(at, gone, ...put);
      const hostile = Uint8Array.from(bytes.slice(0, end > whole.length / 2 ? undefined : end));
      const { imports, exports, sections, problems } = inspectModule(hostile);
      const found = imports.length + exports.length + sections.length;
      return found <= hostile.length && problems.every(({ message }) => message !== "");
    }),
    { numRuns: 10_000, seed: 20260101 },
  );
});

test("a count of four billion types of a kind that takes no bytes is not believed", () => {
  const types = [0x01, 0x06, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x50]; // section, its size, count, a type that is no function's
  const { problems } = inspectModule(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...types));
  expect(problems).toContainEqual(expect.objectContaining({ code: "truncated" }));
});
