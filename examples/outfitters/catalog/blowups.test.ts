import { expect, test } from "vitest";
import { type Blowup, fateOf, parseBlowup, strikes } from "./blowups.ts";

test.each`
  percentage   | hits
  ${undefined} | ${100}
  ${0}         | ${100}
  ${100}       | ${100}
  ${50}        | ${51}
  ${1}         | ${2}
`("percentage $percentage hits $hits of 100 requests", ({ percentage, hits }) => {
  const draws = Array.from({ length: 100 }, (_, i) => i / 100);
  expect(draws.filter((draw) => strikes(percentage, draw))).toHaveLength(hits);
});

const served = { delayMs: 0, end: "served" };

test.each([
  ["an inactive fault", { type: "500", active: false }, served],
  ["a 500", { type: "500", active: true }, { delayMs: 0, end: "500" }],
  ["a drop", { type: "drop", active: true }, { delayMs: 0, end: "drop" }],
  ["a latency", { type: "latency", active: true }, { delayMs: 1000, end: "served" }],
  ["a latency of its own", { type: "latency", active: true, latencyMs: 70 }, { delayMs: 70, end: "served" }],
  [
    "a volatile latency",
    { type: "latency", active: true, latencyMs: 70, volatile: true },
    { delayMs: 35, end: "served" },
  ],
] satisfies [string, Blowup, object][])("%s", (_, blowup, fate) => {
  expect(fateOf({ [blowup.type]: blowup }, () => 0.5)).toEqual(fate);
});

test("only known types are blowups", () => {
  expect(parseBlowup({ type: "latency", latencyMs: 5 })).toEqual({ type: "latency", latencyMs: 5 });
  for (const other of [undefined, null, "500", {}, { type: "503" }]) expect(parseBlowup(other)).toBeUndefined();
});
