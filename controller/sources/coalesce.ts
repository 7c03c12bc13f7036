import type { Clock } from "../ports/clock.ts";

/** A change is acted on when nothing more has happened for this long: an editor's save is several events. */
const quietMsDefault = 10;
/** A change waits at most this long, however busy the folder is. */
const waitMsMaxDefault = 100;

export interface CoalescerOptions {
  readonly clock: Clock;
  readonly run: () => void;
  /** In ms; default 10. */
  readonly quietMs?: number;
  /** In ms; default 100. */
  readonly waitMsMax?: number;
}

/** Gathers events: runs once they have been quiet for `quietMs`, at most `waitMsMax` after the first. */
export class Coalescer {
  readonly #options: Required<CoalescerOptions>;
  #cancel: (() => void) | undefined;
  #deadlineMs = 0;

  constructor(options: CoalescerOptions) {
    this.#options = { quietMs: quietMsDefault, waitMsMax: waitMsMaxDefault, ...options };
  }

  /** Something has happened. */
  touch(): void {
    const { clock, run, quietMs, waitMsMax } = this.#options;
    const nowMs = clock.nowMs();
    if (this.#cancel) this.#cancel();
    else this.#deadlineMs = nowMs + waitMsMax;
    const delayMs = Math.max(0, Math.min(quietMs, this.#deadlineMs - nowMs));
    this.#cancel = clock.after(delayMs, () => {
      this.#cancel = undefined;
      run();
    });
  }

  /** Forgets what it has gathered. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
