import { expect, test } from "vitest";
import { jsonPatch } from "./patch.ts";
import { applyPatch } from "./test-support/apply-patch.ts";

test.each`
  before                   | after                      | operations
  ${{ a: 1 }}              | ${{ a: 1 }}                | ${[]}
  ${{}}                    | ${{ a: null }}             | ${[{ op: "add", path: "/a", value: null }]}
  ${{ a: 1 }}              | ${{}}                      | ${[{ op: "remove", path: "/a" }]}
  ${{ a: 1 }}              | ${{ a: "1" }}              | ${[{ op: "replace", path: "/a", value: "1" }]}
  ${{ "x/y~z": { b: 1 } }} | ${{ "x/y~z": { b: 2 } }}   | ${[{ op: "replace", path: "/x~1y~0z/b", value: 2 }]}
  ${{ l: [{ n: 1 }, 2] }}  | ${{ l: [{ n: 3 }, 2, 4] }} | ${[{ op: "replace", path: "/l/0/n", value: 3 }, { op: "add", path: "/l/-", value: 4 }]}
  ${{ l: [1, 2] }}         | ${{ l: [2] }}              | ${[{ op: "replace", path: "/l", value: [2] }]}
  ${{ l: null }}           | ${{ l: [1] }}              | ${[{ op: "replace", path: "/l", value: [1] }]}
`("$before to $after", ({ before, after, operations }) => {
  expect(jsonPatch(before, after)).toEqual(operations);
  expect(applyPatch(before, operations)).toEqual(after);
});
