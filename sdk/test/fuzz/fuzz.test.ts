// Ten thousand cases; `npm run fuzz` runs a million.
import { expect, test, vi } from "vitest";
import { fuzz, subjects } from "./fuzz.ts";

vi.setConfig({ testTimeout: 120_000 });

const all = await subjects();

test.each(all)("whatever comes, $name does not trap, nor does it grow", async (subject) => {
  await expect(fuzz(subject, { seed: 1, cases: Math.ceil(10_000 / all.length) })).resolves.toBeUndefined();
});
