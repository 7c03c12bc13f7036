import { expect, test } from "vitest";
import { heapBytesMax, quantityOf, workerThreads } from "./limits.ts";

test.each`
  text       | number
  ${"2"}     | ${2}
  ${"+1.5"}  | ${1.5}
  ${"100m"}  | ${0.1}
  ${"5u"}    | ${0.000005}
  ${"3n"}    | ${0.000000003}
  ${"3k"}    | ${3000}
  ${"128M"}  | ${128e6}
  ${"1E"}    | ${1e18}
  ${"1e3"}   | ${1000}
  ${"1Ki"}   | ${1024}
  ${"128Mi"} | ${134_217_728}
  ${"0.5Gi"} | ${536_870_912}
  ${"much"}  | ${undefined}
  ${"1 Gi"}  | ${undefined}
`("$text is $number", ({ text, number }) => {
  if (number === undefined) expect(quantityOf(text)).toBeUndefined();
  else expect(quantityOf(text)).toBeCloseTo(number, 12);
});

test.each`
  limits                           | threads | heap
  ${{ cpu: "2", memory: "1Gi" }}   | ${2}    | ${858_993_459}
  ${{ cpu: "2500m" }}              | ${3}    | ${undefined}
  ${{ cpu: "100m", memory: "0" }}  | ${1}    | ${undefined}
  ${{ cpu: 4, memory: 100000000 }} | ${4}    | ${80_000_000}
  ${undefined}                     | ${2}    | ${undefined}
`("of limits $limits: $threads threads, heap $heap", ({ limits, threads, heap }) => {
  expect(workerThreads({ limits })).toBe(threads);
  expect(heapBytesMax({ limits })).toBe(heap);
});
