import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { apiReference } from "../sdk/build/api-reference.ts";
import { attributeGetters } from "../sdk/build/attribute-getters.ts";
import { hostReference } from "../sdk/build/host-reference.ts";

const sdk = join(import.meta.dirname, "../sdk");
const read = (path: string): string => readFileSync(join(sdk, path), "utf8");
const filters = apiReference((file) => read(`assembly/${file}.ts`));
const tests = hostReference(read);

test("getters are those of the table of attributes: npm run api writes them anew", () => {
  expect(read("assembly/attributes.ts")).toBe(attributeGetters());
});

test("the reference is that of the docstrings: npm run api writes it anew", () => {
  expect(read("API.md")).toBe(`${filters.text}\n${tests.text}`);
});

test("whatever a filter or a test imports has a docstring", () => {
  expect([...filters.undocumented, ...tests.undocumented]).toEqual([]);
});

test("the reference leaves out what is not for filters", () => {
  expect(filters.text).toContain("- `get requestHeaders(): HeaderMap`");
  expect(filters.text).toContain("- `httpCall(call: HttpCall, handler: HttpCallHandler): Status`");
  expect(filters.text).not.toMatch(/@internal|noteBody|nextInBucket|private|changetype/);
});

test("the reference has what tests call, and leaves out what only the host does", () => {
  expect(tests.text).toContain("- `connect(options: ConnectOptions = {}): Connection`");
  expect(tests.text).toContain("- `toHaveLogged(level: LogLevel, text: string | RegExp): R`");
  expect(tests.text).not.toMatch(/@internal|constructor|`#|isTracing|#{2} ConnectionSetup/);
});
