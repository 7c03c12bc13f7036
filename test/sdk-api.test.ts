import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { apiReference } from "../sdk/build/api-reference.ts";
import { attributeGetters } from "../sdk/build/attribute-getters.ts";

const sdk = join(import.meta.dirname, "../sdk");
const read = (path: string): string => readFileSync(join(sdk, path), "utf8");
const reference = apiReference((file) => read(`assembly/${file}.ts`));

test("getters are those of the table of attributes: npm run api writes them anew", () => {
  expect(read("assembly/attributes.ts")).toBe(attributeGetters());
});

test("the reference is that of the docstrings: npm run api writes it anew", () => {
  expect(read("API.md")).toBe(reference.text);
});

test("whatever a filter imports has a docstring", () => {
  expect(reference.undocumented).toEqual([]);
});

test("the reference leaves out what is not for filters", () => {
  expect(reference.text).toContain("- `get requestHeaders(): HeaderMap`");
  expect(reference.text).toContain("- `httpCall(call: HttpCall, handler: HttpCallHandler): Status`");
  expect(reference.text).not.toMatch(/@internal|noteBody|nextInBucket|private|changetype/);
});
