import { expect, test } from "vitest";
import { nextRestart } from "./backoff.ts";

test.each`
  restarts | upMs      | random   | delayMs  | next
  ${0}     | ${5}      | ${0}     | ${100}   | ${1}
  ${0}     | ${5}      | ${0.999} | ${200}   | ${1}
  ${3}     | ${5}      | ${0.5}   | ${1200}  | ${4}
  ${20}    | ${9_999}  | ${0}     | ${5_000} | ${21}
  ${20}    | ${10_000} | ${0}     | ${100}   | ${1}
`("restart $restarts after $upMs ms up waits $delayMs ms", ({ restarts, upMs, random, delayMs, next }) => {
  expect(nextRestart({ restarts, upMs, random })).toEqual({ restarts: next, delayMs });
});
