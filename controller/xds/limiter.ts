import type { Clock } from "../ports/clock.ts";

export interface Limits {
  /** How many run at a time. */
  readonly running: number;
  readonly runningPerKey: number;
  /** How many wait for their turn. */
  readonly waiting: number;
  readonly waitingPerKey: number;
  /** For how long the place of one that failed still counts for its key, in ms: a key fails no faster than that. */
  readonly restMs: number;
}

/** Must be called once, when a turn is over. */
export type EndTurn = (outcome: "done" | "failed") => void;

interface Lane {
  /** In the order in which they came. */
  readonly waiting: Set<() => void>;
  /** With those that rest. */
  running: number;
}

/** Lets few run at a time; the others wait, and keys take turns, so that one with many doesn't keep the others out. */
export class FairLimiter {
  readonly #limits: Limits;
  readonly #clock: Clock;
  /** By key; first the one that had no turn for longest. */
  readonly #lanes = new Map<string, Lane>();
  #running = 0;
  #waiting = 0;

  constructor(limits: Limits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Resolves when the turn has come; with `undefined` where too many wait already, or when `signal` ends the wait. */
  turn(key: string, signal: AbortSignal): Promise<EndTurn | undefined> {
    const lane = this.#lanes.get(key) ?? { waiting: new Set(), running: 0 };
    const { waiting, waitingPerKey } = this.#limits;
    const isFull = this.#waiting >= waiting || lane.waiting.size >= waitingPerKey;
    if (isFull && !this.#mayStart(lane)) return Promise.resolve(undefined);
    this.#lanes.set(key, lane);
    return new Promise((resolve) => {
      const start = (): void => resolve((outcome) => this.#end(key, outcome));
      lane.waiting.add(start);
      this.#waiting += 1;
      signal.addEventListener("abort", () => {
        if (!lane.waiting.delete(start)) return;
        this.#waiting -= 1;
        this.#forget(key);
        resolve(undefined);
      });
      this.#startNext();
    });
  }

  #end(key: string, outcome: "done" | "failed"): void {
    this.#running -= 1;
    if (outcome === "failed") this.#clock.after(this.#limits.restMs, () => this.#free(key));
    else this.#free(key);
    this.#startNext();
  }

  #free(key: string): void {
    const lane = this.#lanes.get(key);
    if (lane === undefined) return;
    lane.running -= 1;
    this.#forget(key);
    this.#startNext();
  }

  #forget(key: string): void {
    const lane = this.#lanes.get(key);
    if (lane?.running === 0 && lane.waiting.size === 0) this.#lanes.delete(key);
  }

  #startNext(): void {
    for (;;) {
      const next = this.#lanes.entries().find(([, lane]) => lane.waiting.size > 0 && this.#mayStart(lane));
      if (next === undefined) return;
      const [key, lane] = next;
      const [start] = lane.waiting;
      if (start === undefined) return;
      lane.waiting.delete(start);
      this.#waiting -= 1;
      lane.running += 1;
      this.#running += 1;
      this.#lanes.delete(key);
      this.#lanes.set(key, lane);
      start();
    }
  }

  #mayStart({ running }: Lane): boolean {
    return this.#running < this.#limits.running && running < this.#limits.runningPerKey;
  }
}
