import { expect, test } from "vitest";
import { pluginStatus } from "./test-support/status.ts";
import { isSameStatus, readStatus, writtenStatus } from "./written-status.ts";

const nowMs = Date.parse("2026-01-31T12:00:00.999Z");
const now = "2026-01-31T12:00:00Z";
const earlier = "2026-01-01T00:00:00Z";

test("a status as the API server shall hold it", () => {
  const status = pluginStatus(["True", "True", "False"], { generation: 2 });
  const condition = (type: string, is: string, reason: string) => ({
    type,
    status: is,
    reason,
    message: `${reason}!`,
    lastTransitionTime: now,
    observedGeneration: 2,
  });
  expect(writtenStatus(status, { seen: 2, before: {}, nowMs })).toEqual({
    conditions: [
      condition("Accepted", "True", "Accepted"),
      condition("Programmed", "True", "Programmed"),
      condition("Degraded", "False", "AsConfigured"),
    ],
    observedGeneration: 2,
    proxies: { matched: 1, acknowledged: 1, refused: 0 },
    digest: "1f3a0000",
  });
});

test.each`
  what                                | words                         | inForce      | seen | all  | programmed
  ${"in force as written"}            | ${["True", "True", "False"]}  | ${3}         | ${3} | ${3} | ${3}
  ${"a newer one is still looked at"} | ${["True", "True", "False"]}  | ${3}         | ${4} | ${3} | ${3}
  ${"the newer one is wrong"}         | ${["False", "True", "True"]}  | ${3}         | ${4} | ${4} | ${3}
  ${"none was ever right"}            | ${["False", "False", "True"]} | ${undefined} | ${1} | ${1} | ${1}
`("$what: said of generation $all, Programmed of $programmed", ({ words, inForce, seen, all, programmed }) => {
  const status = pluginStatus(words, inForce === undefined ? {} : { generation: inForce });
  const { conditions = [], observedGeneration } = writtenStatus(status, { seen, before: {}, nowMs });
  expect([observedGeneration, ...conditions.map((one) => one.observedGeneration)]).toEqual([all, all, programmed, all]);
});

test("only a condition that changes has a new time", () => {
  const first = writtenStatus(pluginStatus(["True", "False", "False"]), {
    seen: 1,
    before: {},
    nowMs: Date.parse(earlier),
  });
  const next = writtenStatus(pluginStatus(["True", "True", "False"]), { seen: 1, before: first, nowMs });
  expect(next.conditions?.map(({ lastTransitionTime }) => lastTransitionTime)).toEqual([earlier, now, earlier]);
});

test("what the API server gives back, in whatever order, is the same", () => {
  const status = writtenStatus(pluginStatus(["True", "True", "False"]), { seen: 1, before: {}, nowMs });
  const sorted = (value: unknown): unknown =>
    typeof value !== "object" || value === null || Array.isArray(value)
      ? Array.isArray(value)
        ? value.map(sorted)
        : value
      : Object.fromEntries(
          Object.entries(value)
            .toSorted()
            .map(([key, one]) => [key, sorted(one)]),
        );
  const read = readStatus(sorted(JSON.parse(JSON.stringify(status))));
  expect(isSameStatus(read, status)).toBe(true);
  const again = writtenStatus(pluginStatus(["True", "True", "False"]), {
    seen: 1,
    before: read,
    nowMs: nowMs + 60_000,
  });
  expect(isSameStatus(read, again)).toBe(true);
});

test.each([undefined, null, 7, { conditions: [7, null, { type: 7 }], proxies: 3, digest: {} }])(
  "a status that someone else wrote is read without harm: %j",
  (value) => {
    expect(() => readStatus(value)).not.toThrow();
  },
);
