// What the host throws at the test: never what a module did, which is data, but what the host cannot or must not do.
import type { LogLine } from "./log.ts";

/** The module asked for something that this host does not do yet. It says so rather than answer as if it had. */
export class NotEmulated extends Error {
  override readonly name = "NotEmulated";
  /** The hostcall, callback or property, as the ABI names it. */
  readonly what: string;

  constructor(what: string, advice = "test it on a real Envoy") {
    super(`${what} is not emulated yet; ${advice}`);
    this.what = what;
  }
}

/** The module did what makes Envoy report a bug of its own ("envoy bug failure", with a stack trace). */
export class EnvoyBug extends Error {
  override readonly name = "EnvoyBug";
}

/** Where a plugin stopped on its way into Envoy. */
export type LoadStage = "inspect" | "initialize" | "start" | "configure";

/** Envoy would not take this module with this configuration: a NACK, or a failed start. */
export class ConfigRefused extends Error {
  override readonly name = "ConfigRefused";
  readonly stage: LoadStage;
  /** All that is wrong, a sentence each. */
  readonly problems: readonly string[];
  /** What the module logged until then. */
  readonly logs: readonly LogLine[];

  constructor(stage: LoadStage, problems: readonly string[], logs: readonly LogLine[]) {
    super(
      [
        ...problems,
        ...logs.filter((line) => line.level !== "trace").map((line) => `  ${line.level}: ${line.text}`),
      ].join("\n"),
    );
    this.stage = stage;
    this.problems = problems;
    this.logs = logs;
  }
}

/** True of errors that are for the test to see and must not be taken for a trap of the module. */
export function isHostError(error: unknown): boolean {
  return error instanceof NotEmulated || error instanceof EnvoyBug;
}
