import { expect, test } from "vitest";
import { blamed } from "./nack.ts";

const names = ["outbound|80||a", "outbound|80||ab", "80"];

test.each([
  {
    shows: "one cluster",
    type: "CDS",
    text: "Error adding/updating cluster(s) outbound|80||a: why: 80: not",
    blames: { "outbound|80||a": "why: 80: not" },
  },
  {
    shows: "several clusters, one's name inside another's",
    type: "CDS",
    text: "Error adding/updating cluster(s) outbound|80||ab: one, outbound|80||a: two",
    blames: { "outbound|80||ab": "one", "outbound|80||a": "two" },
  },
  {
    shows: "several listeners, a line each",
    type: "LDS",
    text: "Error adding/updating listener(s) 80: cannot bind '0.0.0.0:80': Address already in use\noutbound|80||a: no\n",
    blames: { "80": "cannot bind '0.0.0.0:80': Address already in use", "outbound|80||a": "no" },
  },
  { shows: "a cluster that wasn't in it", type: "CDS", text: "Error adding/updating cluster(s) zzz: no", blames: {} },
  { shows: "a violated constraint: nothing was applied", type: "CDS", text: "Proto constraint … 80: too", blames: {} },
  { shows: "types without a fixed form", type: "RDS", text: "Duplicate entry of domain a:80 in route 80", blames: {} },
] as const)("$shows", ({ type, text, blames }) => {
  expect(Object.fromEntries(blamed(type, text, names))).toEqual(blames);
});
