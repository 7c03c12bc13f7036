// EDGE. Tries a module out in a child process before any proxy gets it: a module that never returns, or that eats all
// memory, costs the child and one refused object.
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { Checked, Job } from "./check.ts";

/** How long a module may take to load and configure itself, in ms. Envoy's main thread would stand still as long. */
export const preflightMsMax = 2000;

/** Memory a module may have in preflight, in Wasm pages of 64 KiB: 256 MiB. */
const memoryPagesMax = 4096;

/** One child that checks one module at a time, in order; after a module that killed it, it is started anew at once. */
export class Preflight {
  #child: ChildProcess | undefined = this.#start();
  #queue: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  check(job: Job): Promise<Checked> {
    const result = this.#queue.then(() => this.#run(job));
    this.#queue = result;
    return result;
  }

  close(): void {
    this.#isClosed = true;
    this.#child?.kill("SIGKILL");
  }

  #run(job: Job): Promise<Checked> {
    const child = this.#child ?? this.#start();
    this.#child = child;
    return new Promise((resolve) => {
      const done = (checked: Checked): void => {
        child.off("message", done);
        child.off("exit", died);
        resolve(checked);
      };
      const died = (): void =>
        done({
          problems: [
            {
              message: `the module did not return from its start or on_configure within ${preflightMsMax / 1000} s, or broke the process that tried it: look for an endless loop`,
            },
          ],
        });
      child.once("message", done);
      child.once("exit", died);
      child.send(job);
    });
  }

  #start(): ChildProcess {
    const child = fork(join(import.meta.dirname, "preflight-child.ts"), [String(preflightMsMax)], {
      execArgv: [`--wasm-max-mem-pages=${memoryPagesMax}`],
      serialization: "advanced",
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    let hasAnswered = false;
    child.once("message", () => {
      hasAnswered = true;
    });
    child.on("error", () => {}); // could not be started or told something: it exits, too
    child.once("exit", () => {
      this.#child = hasAnswered && !this.#isClosed ? this.#start() : undefined; // one that can't start waits to be asked
    });
    return child;
  }
}
