// What was measured, and the table of it.

/** One row: the same thing measured once or several times. */
export interface Figure {
  readonly what: string;
  /** In the order of measuring; never empty. */
  readonly samples: readonly number[];
  /** `ms`, `bytes`; empty for counts. */
  readonly unit: string;
  /** What is observed, how finely, and against what. */
  readonly how: string;
}

/** Measures one thing. What it starts it hands to `resources`, which are ended after it, also where it fails. */
export type Measurement = (resources: AsyncDisposableStack) => Promise<readonly Figure[]>;

/** The p-th percentile by nearest rank; the lower middle of an even number is its median. */
export function percentile(samples: readonly number[], p: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)] ?? Number.NaN;
}

/** A Markdown table, the median first. */
export function tableOf(figures: readonly Figure[]): string {
  const rows = figures.map(({ what, samples, unit, how }) => {
    const show = (value: number): string => `${round(value)} ${unit}`.trim();
    const range = samples.length > 1 ? [show(Math.min(...samples)), show(Math.max(...samples))] : ["", ""];
    return [what, show(percentile(samples, 50)), ...range, String(samples.length), how];
  });
  const head = ["measured", "median", "min", "max", "times", "how"];
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function round(value: number): string {
  const digits = Number.isInteger(value) || Math.abs(value) >= 10 ? 0 : 2;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
