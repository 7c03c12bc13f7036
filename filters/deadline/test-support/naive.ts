// The forms of a deadline as their specifications say, in nanoseconds, without a thought for cost.

/** What is longer is cut to this: one less than what stands for none. */
export const longest = (1n << 63n) - 2n;

export const units = { n: 1n, u: 1_000n, m: 1_000_000n, S: 1_000_000_000n, M: 60_000_000_000n, H: 3_600_000_000_000n };
export const letters = Object.keys(units) as (keyof typeof units)[];

/** -1 for what is malformed. */
export function naiveGrpc(text: string): bigint {
  const found = /^(\d{1,8})([numSMH])$/.exec(text);
  if (!found) return -1n;
  return cut(BigInt(found[1] ?? "") * units[found[2] as keyof typeof units]);
}

/** -1 for what is malformed. */
export function naiveMillis(text: string): bigint {
  return /^\d{1,15}$/.test(text) ? cut(BigInt(text) * 1_000_000n) : -1n;
}

/** Rounded down, in the finest unit of which there are less than 100 million. */
export function naiveGrpcText(left: bigint): string {
  const unit = letters.find((letter) => left / units[letter] < 100_000_000n) ?? "H";
  return `${left / units[unit]}${unit}`;
}

function cut(value: bigint): bigint {
  return value > longest ? longest : value;
}
