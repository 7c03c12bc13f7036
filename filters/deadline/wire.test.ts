import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { type Assembly, loadAssembly } from "../../test/support/assembly.ts";
import { letters, longest, naiveGrpc, naiveGrpcText, naiveMillis, units } from "./test-support/naive.ts";

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

const grpc = (text: string) => wasm.parseGrpcTimeout(wasm.__newString(text));
const millis = (text: string) => wasm.parseMillis(wasm.__newString(text));

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
      expect(text).toBe(naiveGrpcText(left));
      const lost = left - naiveGrpc(text);
      const unit = letters.find((letter) => text.endsWith(letter)) ?? "n";
      expect(lost).toBeGreaterThanOrEqual(0n);
      expect(lost).toBeLessThan(units[unit]);
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

  test("any text, clock and skew: the time from now to as much later than the moment, and never less than none", () => {
    const clock = fc.bigInt({ min: 0n, max: 1n << 62n });
    const skew = fc.bigInt({ min: 0n, max: 60_000_000_000n });
    const text = fc.oneof(almost, fc.bigInt({ min: 0n, max: 10n ** 16n }).map(String));
    const check = fc.property(text, clock, skew, (moment, nowNs, skewNs) => {
      fc.pre(nowNs >= skewNs);
      const at = naiveMillis(moment);
      const left = at - nowNs + skewNs;
      expect(wasm.leftUntil(wasm.__newString(moment), nowNs, skewNs)).toBe(at < 0n ? -1n : left < 0n ? 0n : left);
    });
    fc.assert(check, { seed: 7, numRuns: 5000 });
  });

  test("a moment that is none is malformed, one too far away is cut", () => {
    expect(wasm.leftUntil(wasm.__newString("tomorrow"), 0n, 0n)).toBe(-1n);
    expect(wasm.leftUntil(wasm.__newString("999999999999999"), 5n, 5n)).toBe(longest);
  });
});
