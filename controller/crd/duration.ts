/** Milliseconds of one unit; Go's units, which Kubernetes and Istio use. */
const unitMs: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
};

/** The longest that Go, and with it Istio, can express; Envoy refuses all routes of a proxy for one that is not much longer. */
const hoursMax = 2_562_047;

/**
 * Reads a duration: numbers with units, such as `2s`, `500ms`, `1h30m`, `1.5s`; `0` needs no unit.
 *
 * @returns milliseconds, not negative; NaN where the text is no such duration
 * @see Go, time.ParseDuration
 */
export function durationMs(text: string): number {
  if (text === "0") return 0;
  if (!/^(\d+(\.\d*)?(h|ms|m|s|us|µs|ns))+$/.test(text)) return Number.NaN;
  let sum = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d*)?)(h|ms|m|s|us|µs|ns)/g)) {
    sum += Number(number) * (unitMs[unit ?? ""] ?? Number.NaN);
  }
  return sum;
}

/** What is wrong with a value that is no duration, or too long, and what to write; `undefined` where nothing is. */
export function durationComplaint(value: unknown): string | undefined {
  if (typeof value === "number" || (typeof value === "string" && /^\d+(\.\d+)?$/.test(value) && value !== "0"))
    return `a unit is missing; write "${value}s" or "${value}m"`;
  if (typeof value === "string" && value.startsWith("-")) return "a duration can't be negative";
  if (typeof value !== "string" || Number.isNaN(durationMs(value)))
    return 'not a duration; write numbers with units h, m, s or ms: "2s", "500ms", "1h30m"';
  return durationMs(value) > hoursMax * 3_600_000 ? `must be ${hoursMax}h or less` : undefined;
}
