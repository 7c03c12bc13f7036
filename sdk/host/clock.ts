// Time in the host stands still until it is moved: no test waits, and each run sees the same times.

/** Something that happens at a moment of the virtual clock, unless it is cancelled. */
export interface Timer {
  /** Monotonic time at which it is due. */
  readonly atNs: bigint;
  cancel(): void;
}

interface Due {
  readonly atNs: bigint;
  readonly run: () => void;
}

/** Where the monotonic clock begins: not at 0, which a filter may take for "never". */
const monotonicStartNs = 1_000_000_000_000n;

/** A wall clock and a monotonic clock that move together. */
export class VirtualClock {
  readonly #startNs: bigint;
  #monotonicNs = monotonicStartNs;
  #timers: Due[] = [];
  /** Kept for a second: each response has it. */
  #httpDate = "";
  #httpDateSeconds: bigint | undefined;

  /** @param startMs wall clock at the start, in milliseconds since 1970 */
  constructor(startMs: number) {
    this.#startNs = BigInt(startMs) * 1_000_000n;
  }

  get monotonicNs(): bigint {
    return this.#monotonicNs;
  }

  /** Wall clock in nanoseconds since 1970. */
  get realtimeNs(): bigint {
    return this.#startNs + this.#monotonicNs - monotonicStartNs;
  }

  /** The wall clock as HTTP writes it. */
  get httpDate(): string {
    const seconds = this.realtimeNs / 1_000_000_000n;
    if (seconds !== this.#httpDateSeconds) this.#httpDate = new Date(Number(seconds) * 1000).toUTCString();
    this.#httpDateSeconds = seconds;
    return this.#httpDate;
  }

  /** Runs something after a time span; what is due at the same moment runs in the order in which it was asked for. */
  after(spanNs: bigint, run: () => void): Timer {
    const due = { atNs: this.#monotonicNs + spanNs, run };
    const later = this.#timers.findIndex((other) => other.atNs > due.atNs);
    this.#timers.splice(later === -1 ? this.#timers.length : later, 0, due);
    return {
      atNs: due.atNs,
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== due);
      },
    };
  }

  /** Moves to a moment, running on the way what is due; stops early, at the timer that made it so, when `stop` says so. */
  runUntil(atNs: bigint, stop: () => boolean = () => false): void {
    for (let next = this.#timers[0]; next !== undefined && next.atNs <= atNs; next = this.#timers[0]) {
      this.#timers.shift();
      this.#monotonicNs = next.atNs;
      next.run();
      if (stop()) return;
    }
    this.#monotonicNs = atNs;
  }
}

/** The first of some moments; undefined if there is none. */
export function earliest(moments: readonly (bigint | undefined)[]): bigint | undefined {
  const due = moments.filter((moment) => moment !== undefined);
  return due.reduce<bigint | undefined>((first, one) => (first === undefined || one < first ? one : first), undefined);
}
