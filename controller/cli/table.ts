/**
 * Columns as wide as their widest cell plus `padding` spaces; the last one is not padded, so that an empty last cell
 * leaves trailing spaces. Exactly as Go's text/tabwriter prints them for istioctl (min width 0, no flags).
 *
 * @param rows    all of the same length, the head among them
 * @param padding istioctl has 5, and 1 for listeners
 * @returns lines, each ended by a newline
 */
export function table(rows: readonly (readonly string[])[], padding = 5): string {
  const widths = (rows[0] ?? []).map(
    (_, column) => rows.reduce((widest, row) => Math.max(widest, width(row[column] ?? "")), 0) + padding,
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === row.length - 1 ? cell : cell + " ".repeat((widths[column] ?? 0) - width(cell)),
      )
      .join("");
  return rows.map((row) => `${line(row)}\n`).join("");
}

/** In characters, not in UTF-16 units. */
function width(cell: string): number {
  return [...cell].length;
}
