// Ten thousand cases; `npm run fuzz` runs a million.
import { expect, test, vi } from "vitest";
import { fuzz, settles, subjects } from "./fuzz.ts";

vi.setConfig({ testTimeout: 120_000 });

const all = await subjects();

test.each(all)("whatever comes, $name does not trap, and stays in its memory", async (subject) => {
  await expect(fuzz(subject, { seed: 1, cases: Math.ceil(10_000 / all.length) })).resolves.toBeUndefined();
});

test.each(all)("$name keeps nothing of what has come before", async (subject) => {
  expect(await settles(subject, 1)).toBe(true);
});
