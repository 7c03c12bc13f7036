import type { Log } from "../ports/log.ts";
import { isKubeError } from "./kube-error.ts";

/**
 * Says once that something can't be watched, and once that all is watched again. Where it is the API server itself that
 * fails, all watches fail together: that is one line.
 */
export class Health {
  readonly #log: Log;
  /** What can't be watched, with what that is put down to. */
  readonly #troubles = new Map<string, string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** For one watch: `of("pods")(error)`; `undefined`: it works. */
  of(what: string): (error: Error | undefined) => void {
    return (error) => {
      if (error === undefined) this.forget(what);
      else this.#trouble(what, error);
    };
  }

  /** `what` works, or is not watched any more. */
  forget(what: string): void {
    if (this.#troubles.delete(what) && this.#troubles.size === 0)
      this.#log.info("Kubernetes: everything is watched again");
  }

  #trouble(what: string, error: Error): void {
    const isRefusal = isKubeError(error) && error.code >= 400 && error.code < 500 && error.code !== 429;
    const cause = isRefusal ? `${what} ${error.code}` : "the API server";
    const isKnown = [...this.#troubles.values()].includes(cause);
    this.#troubles.set(what, cause);
    const line = `Kubernetes: ${what} can't be watched: ${error.message}; what is known stays in force`;
    if (!isKnown) this.#log.warn(line);
  }
}
