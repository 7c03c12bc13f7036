import { expect, test } from "vitest";
import { memo } from "./memo.ts";

test("a value is made anew for another owner, key or part, and else kept", () => {
  const kept = memo<object, object>();
  const [a, b, part] = [{}, {}, {}];
  const make = () => ({});
  const first = kept(a, "k", make, [part]);
  expect(kept(a, "k", make, [part])).toBe(first);
  expect(kept(b, "k", make, [part])).not.toBe(first);
  expect(kept(a, "other", make, [part])).not.toBe(first);
  const second = kept(a, "k", make, [{}]);
  expect(second).not.toBe(first);
  expect(kept(a, "k", make, [part, part])).not.toBe(second);
});
