import { expect, test } from "vitest";
import { parseManifest } from "./manifest.ts";

const manifest = {
  name: "hello",
  version: "1.0.0",
  sdk: "0.1.0",
  abi: "0.2.1",
  attach: ["downstream"],
  metrics: [{ name: "calls", type: "counter", labels: ["to"] }],
};

function parse(value: unknown): unknown {
  return parseManifest(new TextEncoder().encode(JSON.stringify(value)));
}

test("a manifest is read as it was written", () => {
  expect(parse(manifest)).toEqual(manifest);
  expect(parse({ ...manifest, configSchema: { type: "object" } })).toMatchObject({ configSchema: { type: "object" } });
});

test.each([
  ["a list", []],
  ["null", null],
  ["without a name", { ...manifest, name: undefined }],
  ["with nothing to attach to", { ...manifest, attach: [] }],
  ["with an unknown chain", { ...manifest, attach: ["sideways"] }],
  ["with a schema that is no object", { ...manifest, configSchema: "x" }],
  ["with a metric of no type", { ...manifest, metrics: [{ name: "calls", labels: [] }] }],
])("what is %s is no manifest", (_, value) => {
  expect(parse(value)).toBeUndefined();
});

test("bytes that are no UTF-8 or no JSON are no manifest", () => {
  expect(parseManifest(Uint8Array.of(0x22, 0xff, 0x22))).toBeUndefined();
  expect(parseManifest(new TextEncoder().encode("{"))).toBeUndefined();
});
