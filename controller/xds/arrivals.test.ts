import { setImmediate as turnOfTheLoop } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { TestClock } from "../ports/clock.ts";
import { arrivalLimits } from "./arrivals.ts";
import { FairLimiter } from "./limiter.ts";

// A fleet comes back to a controller that has restarted, while some addresses do all that they can to keep it out.

const never = new AbortController().signal;
const stepMs = 5;

class World {
  readonly clock = new TestClock();
  readonly #limiter = new FairLimiter(arrivalLimits, this.clock);
  readonly #random: () => number;
  admitted = 0;
  refused = 0;
  /** Tokens that the API server is asked about. */
  reviews = 0;
  reviewsMost = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Comes until it is in, as Envoy does: after a refusal it waits up to 0.5 s, then 1 s, 2 s, 4 s, 5 s (`inject/ads.ts`). */
  async proxy(address: string): Promise<void> {
    for (let backoffMs = 500; ; backoffMs = Math.min(2 * backoffMs, 5000)) {
      if (await this.#turn(address, { ms: 2 + 18 * this.#random(), outcome: "done" })) break;
      this.refused += 1;
      await this.#sleep(backoffMs * this.#random());
    }
    this.admitted += 1;
  }

  /** Comes again and again, holds its turn for as long as it can, and is never let in. */
  async foe(address: string): Promise<void> {
    for (;;) if (!(await this.#turn(address, { ms: 15_000, outcome: "failed" }))) await this.#sleep(100);
  }

  async #turn(address: string, { ms, outcome }: { ms: number; outcome: "done" | "failed" }): Promise<boolean> {
    const end = await this.#limiter.turn(address, never);
    if (end === undefined) return false;
    this.reviews += 1;
    this.reviewsMost = Math.max(this.reviewsMost, this.reviews);
    await this.#sleep(ms);
    this.reviews -= 1;
    end(outcome);
    return true;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.after(ms, resolve));
  }
}

interface Row {
  readonly proxies: number;
  readonly ofOneNode: number;
  readonly foes: number;
  readonly withinMs: number;
}

test.each`
  proxies | ofOneNode | foes | withinMs
  ${2000} | ${1}      | ${0} | ${2000}
  ${2000} | ${1}      | ${5} | ${5000}
  ${2000} | ${100}    | ${5} | ${5000}
  ${4500} | ${1}      | ${0} | ${15_000}
`(
  "$proxies proxies, $ofOneNode of one address, are all in within $withinMs ms, in spite of $foes addresses that flood",
  async ({ proxies, ofOneNode, foes, withinMs }: Row) => {
    const seed = fc.sample(fc.nat(), 1)[0] ?? 0;
    const numbers = fc.sample(fc.noBias(fc.double({ min: 0, max: 1, noNaN: true })), { numRuns: 10_000, seed });
    let drawn = 0;
    const world = new World(() => numbers[drawn++ % numbers.length] ?? 0);
    for (let n = 0; n < foes * 300; n++) void world.foe(`foe ${n % foes}`);
    for (let n = 0; n < proxies; n++) void world.proxy(`node ${Math.floor(n / ofOneNode)}`);
    while (world.admitted < proxies && world.clock.nowMs() < withinMs) {
      world.clock.advance(stepMs);
      await turnOfTheLoop();
    }
    expect(world.admitted, `seed ${seed}`).toBe(proxies);
    expect(world.reviewsMost).toBe(32);
    expect(world.refused > 0).toBe(proxies > 4200);
  },
);
