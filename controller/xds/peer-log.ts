import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { peerText } from "./peer-text.ts";

/** For how long a line is not repeated, in ms: what is refused goes on, since Envoys try again and again. */
const windowMs = 10 * 60_000;

/** Different lines about one peer in that time: its pods', where those of a node come by one address. */
const linesMax = 20;

/** Peers that have lines of their own in that time; all others share those of one. With that, 20 MB are remembered at most. */
const peersMax = 500;

interface Told {
  readonly sinceMs: number;
  readonly lines: Set<string>;
  untold: number;
  /** Keeps what was not told from being summed up. */
  readonly cancel: () => void;
}

/**
 * Warns of what peers do, in a number of lines that is bounded whatever they say: each line once, a few different ones
 * about each peer, and after ten minutes how many there would have been more.
 */
export class PeerLog {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #told = new Map<string, Told>();

  constructor({ clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#clock = clock;
    this.#log = log;
  }

  /** @param peer its address, without port: that is another one each time */
  warn(peer: string, text: string): void {
    const line = peerText(text);
    const who = this.#told.has(peer) || this.#told.size < peersMax ? peer : "other peers";
    const told = this.#told.get(who) ?? this.#begin(who);
    if (told.lines.size >= linesMax || told.lines.has(line)) {
      told.untold += 1;
      return;
    }
    told.lines.add(line);
    this.#log.warn(line);
  }

  close(): void {
    for (const who of this.#told.keys()) this.#end(who);
  }

  #begin(who: string): Told {
    const cancel = this.#clock.after(windowMs, () => this.#end(who));
    const told = { sinceMs: this.#clock.nowMs(), lines: new Set<string>(), untold: 0, cancel };
    this.#told.set(who, told);
    return told;
  }

  #end(who: string): void {
    const { sinceMs = 0, untold = 0, cancel } = this.#told.get(who) ?? {};
    cancel?.();
    this.#told.delete(who);
    const since = new Date(sinceMs).toISOString();
    if (untold > 0) this.#log.warn(`${untold} more warnings like these of ${who} since ${since}`);
  }
}
