import type { Clock } from "../ports/clock.ts";

/** A change is acted on when nothing more has happened for this long: an editor's save is several events. */
export const quietMs = 10;
/** A change waits at most this long, however busy the folder is. */
export const waitMsMax = 100;

/** Gathers events: runs once they have been quiet for {@link quietMs}, at most {@link waitMsMax} after the first. */
export class Coalescer {
  readonly #clock: Clock;
  readonly #run: () => void;
  #cancel: (() => void) | undefined;
  #deadlineMs = 0;

  constructor({ clock, run }: { readonly clock: Clock; readonly run: () => void }) {
    this.#clock = clock;
    this.#run = run;
  }

  /** Something has happened. */
  touch(): void {
    const nowMs = this.#clock.nowMs();
    if (this.#cancel) this.#cancel();
    else this.#deadlineMs = nowMs + waitMsMax;
    const delayMs = Math.max(0, Math.min(quietMs, this.#deadlineMs - nowMs));
    this.#cancel = this.#clock.after(delayMs, () => {
      this.#cancel = undefined;
      this.#run();
    });
  }

  /** Forgets what it has gathered. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
