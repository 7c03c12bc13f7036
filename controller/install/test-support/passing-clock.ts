import { TestClock } from "../../ports/clock.ts";

/** Nothing happens meanwhile, so waiting takes no time. */
export class PassingClock extends TestClock {
  override after(delayMs: number, run: () => void): () => void {
    const cancel = super.after(delayMs, run);
    this.advance(delayMs);
    return cancel;
  }
}
