import type { Clock } from "../ports/clock.ts";

export interface LastingOptions {
  /** How long something must be so. */
  readonly ms: number;
  /** Called when something has been so for that long. */
  readonly onLasted: (key: string) => void;
  readonly clock: Clock;
}

/** Tells what stays so from what is so for a moment. */
export class Lasting {
  readonly #options: LastingOptions;
  readonly #known = new Map<string, { hasLasted: boolean; readonly cancel: () => void }>();

  constructor(options: LastingOptions) {
    this.#options = options;
  }

  /** Whether it is so, and has been for long enough, whenever it was asked. */
  lasts(key: string, isSo: boolean): boolean {
    const known = this.#known.get(key);
    if (!isSo) {
      known?.cancel();
      this.#known.delete(key);
      return false;
    }
    if (known !== undefined) return known.hasLasted;
    const { clock, ms, onLasted } = this.#options;
    const cancel = clock.after(ms, () => {
      one.hasLasted = true;
      onLasted(key);
    });
    const one = { hasLasted: false, cancel };
    this.#known.set(key, one);
    return false;
  }

  stop(): void {
    for (const { cancel } of this.#known.values()) cancel();
  }
}
