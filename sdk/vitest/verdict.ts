// What all matchers have in common.

/** What a matcher says to vitest: whether it passes, and why not, or why not with `.not`. */
export interface Verdict {
  readonly pass: boolean;
  message(): string;
}

/** @param wanted what the test says, to stand after "expected" @param found what is there instead, lines of it */
export function verdict(pass: boolean, wanted: string, found: () => string): Verdict {
  return { pass, message: () => `expected ${pass ? "not " : ""}${wanted}\n\n${found()}` };
}

/** A text is the wanted one, or matches it. */
export function isText(text: string, wanted: string | RegExp): boolean {
  return typeof wanted === "string" ? text === wanted : new RegExp(wanted).test(text);
}

/** A text or pattern as a message shows it. */
export function shown(wanted: string | RegExp): string {
  return typeof wanted === "string" ? JSON.stringify(wanted) : String(wanted);
}

/** Lines under a heading; where there are none, it says so. */
export function listed(heading: string, lines: readonly string[]): string {
  return lines.length === 0 ? `${heading}: none` : [`${heading}:`, ...lines.map((line) => `  ${line}`)].join("\n");
}
