/** Where the control plane says what it does. One line a call, without a line end. */
export interface Log {
  info(line: string): void;
  warn(line: string): void;
  error(line: string): void;
}

/** Keeps lines for tests to look at: `warn: …`. */
export class TestLog implements Log {
  readonly lines: string[] = [];

  info(line: string): void {
    this.lines.push(`info: ${line}`);
  }

  warn(line: string): void {
    this.lines.push(`warn: ${line}`);
  }

  error(line: string): void {
    this.lines.push(`error: ${line}`);
  }
}
