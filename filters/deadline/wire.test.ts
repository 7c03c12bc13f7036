import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { type Assembly, loadAssembly } from "../../test/support/assembly.ts";

type Exports = {
  parseGrpcTimeout(text: number): bigint;
  formatGrpcTimeout(left: bigint): number;
  parseMillis(text: number): bigint;
  formatMillis(left: bigint): number;
  leftUntil(text: number, now: bigint, skew: bigint): bigint;
};

let wasm: Assembly<Exports>;
beforeAll(async () => {
  wasm = await loadAssembly<Exports>("filters/deadline/assembly/wire.ts");
});

const longest = (1n << 63n) - 2n; // one less than what stands for none
const units = { n: 1n, u: 1_000n, m: 1_000_000n, S: 1_000_000_000n, M: 60_000_000_000n, H: 3_600_000_000_000n };
const letters = Object.keys(units) as (keyof typeof units)[];

const grpc = (text: string) => wasm.parseGrpcTimeout(wasm.__newString(text));
const millis = (text: string) => wasm.parseMillis(wasm.__newString(text));

/** What the formats say, read with a regular expression. */
function naiveGrpc(text: string): bigint {
  const found = /^(\d{1,8})([numSMH])$/.exec(text);
  if (!found) return -1n;
  const value = BigInt(found[1] ?? "") * units[found[2] as keyof typeof units];
  return value > longest ? longest : value;
}

function naiveMillis(text: string): bigint {
  if (!/^\d{1,15}$/.test(text)) return -1n;
  const value = BigInt(text) * 1_000_000n;
  return value > longest ? longest : value;
}

const almost = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.stringMatching(/^[0-9]{0,10}[numSMHs]?$/),
  fc.stringMatching(/^[ +-]?[0-9]{0,17}[ .]?$/),
  fc.string({ unit: "binary", maxLength: 9 }),
);

describe("grpc-timeout", () => {
  test.each`
    text            | left
    ${"1n"}         | ${1n}
    ${"100m"}       | ${100_000_000n}
    ${"99999999u"}  | ${99_999_999_000n}
    ${"2S"}         | ${2_000_000_000n}
    ${"3M"}         | ${180_000_000_000n}
    ${"4H"}         | ${14_400_000_000_000n}
    ${"99999999H"}  | ${longest}
    ${"0S"}         | ${0n}
    ${"123456789m"} | ${-1n}
    ${"5"}          | ${-1n}
    ${"S"}          | ${-1n}
    ${""}           | ${-1n}
    ${"5s"}         | ${-1n}
    ${"1.5S"}       | ${-1n}
    ${" 5S"}        | ${-1n}
    ${"-5S"}        | ${-1n}
  `("$text is $left ns", ({ text, left }) => expect(grpc(text)).toBe(left));

  test("any text reads as the format says", () => {
    fc.assert(
      fc.property(almost, (text) => void expect(grpc(text)).toBe(naiveGrpc(text))),
      { seed: 4, numRuns: 5000 },
    );
  });

  test("what is written is read as the same time, short by less than a millionth or a nanosecond", () => {
    const check = fc.property(fc.bigInt({ min: 0n, max: longest }), (left) => {
      const text = wasm.__getString(wasm.formatGrpcTimeout(left));
      expect(text).toMatch(/^\d{1,8}[numSMH]$/);
      const lost = left - naiveGrpc(text);
      expect(lost).toBeGreaterThanOrEqual(0n);
      // Coarser by a unit than needed would cost a digit of ten; M and H are 60 times their neighbours.
      const unit = letters.indexOf(text.slice(-1) as keyof typeof units);
      const finer = letters[unit - 1];
      expect(lost).toBeLessThan(units[letters[unit] ?? "n"]);
      if (finer) expect(left / units[finer]).toBeGreaterThanOrEqual(100_000_000n);
    });
    fc.assert(check, { seed: 5, numRuns: 5000 });
  });
});

describe("milliseconds", () => {
  test("any text reads as digits, at most 15 of them", () => {
    fc.assert(
      fc.property(almost, (text) => void expect(millis(text)).toBe(naiveMillis(text))),
      { seed: 6, numRuns: 5000 },
    );
    expect(millis("999999999999999")).toBe(longest);
  });

  test("are rounded down: nobody is told more than is left", () => {
    expect(wasm.__getString(wasm.formatMillis(1_999_999n))).toBe("1");
    expect(wasm.__getString(wasm.formatMillis(5_000_000_000n))).toBe("5000");
  });

  const now = 1_800_000_000_000n;
  test.each`
    text               | skewMs  | leftMs
    ${"1800000000250"} | ${0n}   | ${250n}
    ${"1800000000250"} | ${100n} | ${350n}
    ${"1799999999950"} | ${100n} | ${50n}
    ${"1799999999800"} | ${100n} | ${0n}
    ${"0"}             | ${0n}   | ${0n}
  `("the moment $text, at 1800000000000 with a skew of $skewMs ms, is $leftMs ms away", ({ text, skewMs, leftMs }) => {
    const left = wasm.leftUntil(wasm.__newString(text), now * 1_000_000n, skewMs * 1_000_000n);
    expect(left).toBe(leftMs * 1_000_000n);
  });

  test("a moment that is none is malformed, one too far away is cut", () => {
    expect(wasm.leftUntil(wasm.__newString("tomorrow"), 0n, 0n)).toBe(-1n);
    expect(wasm.leftUntil(wasm.__newString("999999999999999"), 5n, 5n)).toBe(longest);
  });
});
