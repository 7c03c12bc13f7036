/** A time span: "90ns", "50us", "250ms", "10s", "5m", "2h", with fractions; a number is milliseconds. */
export type Duration = string | number;

const nsPerUnit = new Map([
  ["ns", 1],
  ["us", 1e3],
  ["ms", 1e6],
  ["s", 1e9],
  ["m", 60e9],
  ["h", 3600e9],
]);

/**
 * The span in nanoseconds.
 *
 * @throws {Error} if it is negative or its unit is missing or unknown
 */
export function parseDuration(duration: Duration): bigint {
  const text = typeof duration === "number" ? `${duration}ms` : duration;
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)$/.exec(text) ?? [];
  const factor = nsPerUnit.get(unit);
  if (amount === undefined || factor === undefined)
    throw new Error(`duration ${JSON.stringify(duration)}: write a number and one of ns, us, ms, s, m, h, as in "10s"`);
  return BigInt(Math.round(Number(amount) * factor));
}
