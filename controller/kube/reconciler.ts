import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";

export interface ReconcilerOptions {
  /** What must be written now. Asked again after each write. */
  readonly wanted: () => readonly string[];
  /** Writes one; rejects where that fails. */
  readonly write: (what: string) => Promise<void>;
  /** `ConfigMap shop/istio-ca-root-cert` */
  readonly describe: (what: string) => string;
  /** How long a thing is left alone after it was written, until its change must have come back. In ms, default 2000. */
  readonly restMs?: number;
  readonly clock: Clock;
  /** 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
}

/** Writes at once; the API server has others to serve. */
const parallelMax = 8;
/** Waits between attempts at one thing double from the first to the second, in ms, cut by up to half. */
const backoffMsMin = 500;
const backoffMsMax = 30_000;
const restMsDefault = 2000;

/**
 * Writes what is wanted until it is no longer wanted: each thing once at a time, again after it failed, and never in a
 * burst.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  /** Being written, or resting after it. */
  readonly #busy = new Map<string, () => void>();
  readonly #failures = new Map<string, number>();
  #writing = 0;
  #isStopped = false;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** Something may be wanted. */
  check(): void {
    if (this.#isStopped) return;
    const wanted = this.#options.wanted();
    for (const what of this.#failures.keys()) if (!wanted.includes(what)) this.#failures.delete(what);
    for (const what of wanted) {
      if (this.#writing >= parallelMax) return; // the next one that ends looks again
      if (!this.#busy.has(what)) void this.#write(what);
    }
  }

  stop(): void {
    this.#isStopped = true;
    for (const cancel of this.#busy.values()) cancel();
  }

  async #write(what: string): Promise<void> {
    const { write, describe, log, restMs = restMsDefault } = this.#options;
    this.#busy.set(what, () => {});
    this.#writing += 1;
    let delayMs = restMs;
    try {
      await write(what);
      this.#failures.delete(what);
    } catch (error) {
      const failures = this.#failures.get(what) ?? 0;
      this.#failures.set(what, failures + 1);
      delayMs = Math.min(backoffMsMax, backoffMsMin * 2 ** failures) * (1 - this.#options.random() / 2);
      const why = error instanceof Error ? error.message : String(error);
      if (failures === 0) log.warn(`${describe(what)} can't be written, tried again: ${why}`);
    }
    this.#writing -= 1;
    if (this.#isStopped) return;
    this.#busy.set(
      what,
      this.#options.clock.after(delayMs, () => {
        this.#busy.delete(what);
        this.check();
      }),
    );
    this.check();
  }
}
