/** One line for people. */
export interface StatusLine {
  readonly level: "info" | "warn" | "error";
  readonly text: string;
}

export function info(text: string): StatusLine {
  return { level: "info", text };
}
