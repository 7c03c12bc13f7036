import type { Host, LogLevel } from "../host/index.ts";
import { listed, shown, type Verdict, verdict } from "./verdict.ts";

/** @see Matchers.toHaveLogged */
export function toHaveLogged(host: Host, level: LogLevel, text: string | RegExp): Verdict {
  const isIn = (line: string) => (typeof text === "string" ? line.includes(text) : new RegExp(text).test(line));
  const pass = host.logs.some((line) => line.level === level && isIn(line.text));
  return verdict(pass, `a line of level ${level} with ${shown(text)}`, () =>
    listed(
      "log",
      host.logs.map((line) => `[${line.thread}] ${line.level}: ${line.text}`),
    ),
  );
}
