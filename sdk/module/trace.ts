import type { SourceMap } from "./source-map.ts";

/** A line of Envoy's backtrace: `  0: 0x1a3f - BudgetStream#onRequestHeaders`, whatever stands before it. */
const frame = /^.*\b(\d+): +0x([0-9a-f]+) - ./;

/** What the SDK logs before it traps; the instruction that traps then has no place in the map. */
const abort = /\babort: .* at (\S+:\d+:\d+)/;

/**
 * A log with the backtraces in it mapped to the source: each of their lines gets `(file:line:column)` at its end. All other
 * text stays as it is.
 */
export function mapTrace(log: string, map: SourceMap): string {
  let aborted: string | undefined;
  const lines = log.split("\n").map((line) => {
    aborted = abort.exec(line)?.[1] ?? aborted;
    const [, depth, offset] = frame.exec(line) ?? [];
    if (offset === undefined) return line;
    const place = (depth === "0" ? aborted : undefined) ?? map.placeOf(Number.parseInt(offset, 16));
    aborted = undefined;
    return place === undefined ? line : `${line.trimEnd()} (${place})`;
  });
  return lines.join("\n");
}
