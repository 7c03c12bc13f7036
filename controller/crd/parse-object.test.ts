import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import * as z from "zod";
import { readDocuments } from "../sources/documents.ts";
import { kinds } from "./kinds.ts";
import { parseObject } from "./parse-object.ts";

const testdata = join(import.meta.dirname, "testdata");
const files = globSync("*.yaml", { cwd: testdata }).filter((name) => !name.endsWith(".out.yaml"));
const samples = files.flatMap((name) => readDocuments(readFileSync(join(testdata, name), "utf8"), name).objects);

test.each(files)("%s is read without a complaint", async (name) => {
  const { objects } = readDocuments(readFileSync(join(testdata, name), "utf8"), name);
  const parsed = objects.map(parseObject);
  expect(parsed.flatMap(({ problems }) => problems).filter(({ severity }) => severity !== "info")).toEqual([]);
  const text = parsed.map(({ object }) => stringify(object)).join("---\n");
  await expect(text).toMatchFileSnapshot(join(testdata, `${basename(name, ".yaml")}.out.yaml`));
});

test("the testdata has every kind", () => {
  const seen = samples.map((sample) => parseObject(sample).object?.kind);
  expect(Object.keys(kinds).filter((kind) => !seen.some((one) => one === kind))).toEqual([]);
});

describe("whatever a value is, it is answered and not thrown at", () => {
  test("any JSON", () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => isAnswered(value)));
  });

  test("any JSON as a part of an object of any kind", () => {
    const sample = fc.constantFrom(...samples.map(({ value }) => value));
    fc.assert(
      fc.property(sample, fc.array(fc.nat()), fc.jsonValue(), (value, way, part) =>
        isAnswered(replaced(value, way, part)),
      ),
      { numRuns: 2000 },
    );
  });
});

/** An object or an error, never none of them; a kind of no concern says so. */
function isAnswered(value: unknown): boolean {
  const { object, problems } = parseObject({ value });
  return object !== undefined || problems.length > 0;
}

/** The value with one part replaced, which the numbers lead to. */
function replaced(value: unknown, way: readonly number[], part: unknown): unknown {
  const [step, ...rest] = way;
  if (step === undefined || typeof value !== "object" || value === null) return part;
  const keys = Object.keys(value);
  const key = keys[step % Math.max(1, keys.length)];
  if (key === undefined) return part;
  if (Array.isArray(value))
    return value.map((item: unknown, i) => (String(i) === key ? replaced(item, rest, part) : item));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, name === key ? replaced(item, rest, part) : item]),
  );
}

test("the same raw object is parsed once", () => {
  const [raw] = samples;
  if (!raw) throw new Error("there are samples");
  expect(parseObject(raw)).toBe(parseObject(raw));
});

test.each(Object.values(kinds))("the schema of $kind can be written as a JSON schema", ({ kind, schema }) => {
  const { properties } = z.toJSONSchema(schema, { io: "input" });
  expect(properties).toHaveProperty(kind === "EndpointSlice" ? "endpoints" : "spec");
});
