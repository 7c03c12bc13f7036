import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";

/** Put before a command so that it is killed when this process ends, however it ends. @see prctl(2), PR_SET_PDEATHSIG */
export const diesWithUs = ["setpriv", "--pdeathsig", "KILL", "--"] as const;

/** A part of the control plane: one program that runs until it is stopped. */
export class Daemon {
  readonly #log: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  /** @param dir its working directory, by which it is found again should the test be killed */
  constructor({ argv, dir, log }: { argv: readonly string[]; dir: string; log: string }) {
    this.#log = log;
    const [file, ...args] = [...diesWithUs, ...argv] as const;
    const output = openSync(log, "a", 0o600);
    this.#child = spawn(file, args, { cwd: dir, stdio: ["ignore", output, output] });
    closeSync(output);
    this.#ended = new Promise((resolve) => {
      this.#child.once("exit", () => resolve());
      this.#child.once("error", () => resolve());
    });
  }

  /** How it has ended, with the end of its log; `undefined` while it runs. */
  end(): string | undefined {
    const { exitCode, signalCode, spawnargs } = this.#child;
    if (exitCode === null && signalCode === null) return undefined;
    return `${spawnargs.at(diesWithUs.length)} has ended (${signalCode ?? `exit code ${exitCode}`}):\n${this.lastLines()}`;
  }

  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(name);
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  lastLines(): string {
    return readFileSync(this.#log, "utf8").slice(-4000);
  }
}
