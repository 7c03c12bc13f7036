import { expect, test } from "vitest";
import { matchEnd } from "./support/readme.ts";

test.each`
  expected              | printed                    | is
  ${"one two"}          | ${"one   two\n\n"}         | ${true}
  ${"one two"}          | ${"one two three"}         | ${false}
  ${"one"}              | ${""}                      | ${false}
  ${""}                 | ${"one"}                   | ${false}
  ${"pod-….shop ready"} | ${"pod-x1-y2.shop ready"}  | ${true}
  ${"pod-….shop ready"} | ${"pod-x1\n.shop ready"}   | ${false}
  ${"…\nlast"}          | ${"one\ntwo\nlast"}        | ${true}
  ${"first\n…\nlast"}   | ${"first\nlast"}           | ${true}
  ${"first\n…\nlast"}   | ${"first\ntwo\nlast\nnot"} | ${false}
  ${"≈100 500"}         | ${"  120 500"}             | ${true}
  ${"≈100 500"}         | ${"  200 500"}             | ${false}
  ${"≈100 500"}         | ${"  100 503"}             | ${false}
  ${"a.c"}              | ${"abc"}                   | ${false}
`("a README that shows $expected, and $printed: $is", ({ expected, printed, is }) => {
  expect(matchEnd(expected, printed, { whole: true }) >= 0).toBe(is);
});

test("in what goes on, the place after the match is told, and matches begin at the beginning of a line", () => {
  const printed = "not pushed 2\npushed 1\npushed 2\nmore\n";
  expect(printed.slice(matchEnd("pushed 2", printed, { whole: false }))).toBe("more\n");
  expect(matchEnd("shed 2", printed, { whole: false })).toBe(-1);
});
