import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { attributeGetters } from "../sdk/build/attribute-getters.ts";

test("getters are those of the table of attributes: npm run api writes them anew", () => {
  const written = readFileSync(join(import.meta.dirname, "../sdk/assembly/attributes.ts"), "utf8");
  expect(written).toBe(attributeGetters());
});
