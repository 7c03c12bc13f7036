import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { peerText } from "./peer-text.ts";

/** A refusal that goes on, since Envoys try again and again, is told again after this time, in ms. */
const repeatMs = 10 * 60_000;

/** How many are remembered; of more, the one that was told longest ago is forgotten first. */
const rememberedMax = 1000;

/** Says in the log who is not served and why: once, however often it is tried, and now and then how often that was. */
export class Refusals {
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #log: Log;
  /** By what was said, oldest first. */
  readonly #told = new Map<string, { readonly atMs: number; times: number }>();

  constructor({ clock, log }: { readonly clock: Pick<Clock, "nowMs">; readonly log: Log }) {
    this.#clock = clock;
    this.#log = log;
  }

  /** @param peer `10.0.0.7:41234`; the port is left out, it is another one each time */
  tell(peer: string, why: string): void {
    const text = peerText(`xDS stream of ${peer.replace(/:\d+$/, "")} refused: ${why}`);
    const atMs = this.#clock.nowMs();
    const before = this.#told.get(text);
    if (before !== undefined && atMs - before.atMs < repeatMs) {
      before.times += 1;
      return;
    }
    this.#told.delete(text);
    this.#told.set(text, { atMs, times: 1 });
    for (const oldest of this.#told.keys()) if (this.#told.size > rememberedMax) this.#told.delete(oldest);
    const since = before === undefined ? "" : ` (${before.times} times since ${new Date(before.atMs).toISOString()})`;
    this.#log.warn(`${text}${since}`);
  }
}
