import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, statSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Clock } from "../ports/clock.ts";
import { nextRestart } from "./backoff.ts";
import { lastLines } from "./folder.ts";
import { killGroup, markOf } from "./leftovers.ts";
import type { ProcessMark } from "./state.ts";

/** How many lines of a log say why a process died. */
const linesShown = 8;

export interface Command {
  /** Program and arguments. */
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export type ProcessEvent =
  | { readonly state: "started"; readonly pid: number }
  /** It ended without being asked to; it starts again after `restartMs`. */
  | {
      readonly state: "died";
      /** `exit code 1`, `SIGSEGV`, `spawn x ENOENT` */
      readonly reason: string;
      /** The last that it wrote to its log; empty where its lines were forwarded. */
      readonly lastLines: readonly string[];
      readonly restartMs: number;
    };

export interface ProcessOptions {
  readonly command: Command;
  /** Where stdout and stderr go: appended to a file, or line by line to a function. */
  readonly output: { readonly file: string } | { readonly line: (line: string) => void };
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly onEvent: (event: ProcessEvent) => void;
}

/** A program that is kept running until it is stopped, alone in its process group. */
export class KeptProcess {
  readonly #options: ProcessOptions;
  #child: { readonly process: ChildProcess; readonly pid: number; readonly mark: ProcessMark | undefined } | undefined;
  #restarts = 0;
  #cancelRestart = (): void => {};
  #stopping = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(options: ProcessOptions) {
    this.#options = options;
  }

  /** Absent while it doesn't run. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get mark(): ProcessMark | undefined {
    return this.#child?.mark;
  }

  start(): void {
    const { command, output, clock, onEvent } = this.#options;
    const startedMs = clock.nowMs();
    const log = "file" in output ? openSync(output.file, "a", 0o600) : "pipe";
    const logBytes = "file" in output ? statSync(output.file).size : 0;
    const [file = "", ...args] = [...deathWatch(), ...command.argv];
    const process = spawn(file, args, {
      cwd: command.cwd,
      env: command.env,
      detached: true, // a group of its own: Ctrl-C in the terminal reaches the runner only, and its end reaches all of the group
      stdio: ["ignore", log, log],
    });
    if (typeof log === "number") closeSync(log);
    if ("line" in output) {
      for (const stream of [process.stdout, process.stderr])
        if (stream) createInterface({ input: stream }).on("line", output.line);
    }
    this.#ended = new Promise((resolve) => {
      const end = (reason: string): void => {
        resolve();
        this.#onEnd({ reason, upMs: clock.nowMs() - startedMs, logBytes });
      };
      process.once("exit", (code, signal) => end(signal ?? `exit code ${code}`));
      process.once("error", (error) => {
        if (process.pid !== undefined) return;
        end(existsSync(command.cwd) ? error.message : `its working directory ${command.cwd} does not exist`);
      });
    });
    if (process.pid === undefined) return;
    this.#child = { process, pid: process.pid, mark: markOf(process.pid) };
    onEvent({ state: "started", pid: process.pid });
  }

  /** Ends it and its group: SIGTERM, and SIGKILL to what is left after `graceMs`. Resolves when it is gone. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    this.#cancelRestart();
    const { pid } = this;
    if (pid === undefined) return;
    const cancel = this.#options.clock.after(graceMs, () => killGroup(pid, "SIGKILL"));
    killGroup(pid, "SIGTERM");
    await this.#ended;
    cancel();
  }

  /** Ends it at once, without waiting. */
  kill(): void {
    this.#stopping = true;
    this.#cancelRestart();
    if (this.pid !== undefined) killGroup(this.pid, "SIGKILL");
  }

  #onEnd({ reason, upMs, logBytes }: { reason: string; upMs: number; logBytes: number }): void {
    const { clock, random, output, onEvent } = this.#options;
    if (this.pid !== undefined) killGroup(this.pid, "SIGKILL"); // what it started and left behind
    this.#child = undefined;
    if (this.#stopping) return;
    const { restarts, delayMs } = nextRestart({ restarts: this.#restarts, upMs, random: random() });
    this.#restarts = restarts;
    this.#cancelRestart = clock.after(delayMs, () => this.start());
    const last = "file" in output ? lastLines(output.file, { fromByte: logBytes, count: linesShown }) : [];
    onEvent({ state: "died", reason, lastLines: last, restartMs: delayMs });
  }
}

let prefix: readonly string[] | undefined;

/**
 * What to put before a command so that it is killed when this process ends, however it ends: util-linux' `setpriv` on
 * Linux, nothing where that is not there.
 *
 * @see prctl(2), PR_SET_PDEATHSIG
 */
function deathWatch(): readonly string[] {
  if (prefix === undefined) {
    const setpriv = ["setpriv", "--pdeathsig", "KILL", "--"];
    prefix = works([...setpriv, "true"]) ? setpriv : [];
  }
  return prefix;
}

function works([file = "", ...args]: readonly string[]): boolean {
  try {
    execFileSync(file, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
