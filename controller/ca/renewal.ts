import type { Certificate } from "../model/certificate.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";

/** Each renewal comes at half of a certificate's life, give or take this share of that half, so that not all come at once. */
const jitter = 0.1;

/** A failed attempt is repeated after the first, then after twice as long each time, up to the last. */
const retryMs = { first: 1000, last: 30_000 } as const;

export interface RenewalOptions {
  /** Whose certificate, for messages: `spiffe://cluster.local/ns/shop/sa/cart`. */
  readonly name: string;
  readonly issue: () => Promise<Certificate>;
  /** Called when a renewal is due: true says that the certificate is no longer needed. Absent: it always is. */
  readonly retire?: () => boolean;
  /** There is another certificate than before. */
  readonly onChange: (certificate: Certificate) => void;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Log;
}

/** One certificate that is kept fresh, from its construction on: made at once, renewed at half its life. */
export class Renewal {
  readonly #options: RenewalOptions;
  #current: Certificate | undefined;
  #failures = 0;
  #cancel: (() => void) | undefined;
  #isStopped = false;

  /** @param first absent: one is made at once */
  constructor(options: RenewalOptions, first?: Certificate) {
    this.#options = options;
    if (first === undefined) void this.#renew();
    else this.#take(first);
  }

  /** `undefined` until the first is made. */
  get current(): Certificate | undefined {
    return this.#current;
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }

  async #renew(): Promise<void> {
    const outcome = await attempt(this.#options.issue);
    if (this.#isStopped) return;
    if ("fault" in outcome) {
      this.#failed(outcome.fault);
      return;
    }
    this.#failures = 0;
    this.#take(outcome.certificate);
    this.#options.onChange(outcome.certificate);
  }

  #take(certificate: Certificate): void {
    this.#current = certificate;
    this.#wait(this.#halfLifeMs(certificate.notAfterMs - this.#options.clock.nowMs()));
  }

  #wait(delayMs: number): void {
    const { retire, clock } = this.#options;
    this.#cancel = clock.after(delayMs, () => {
      if (retire?.() !== true) void this.#renew();
    });
  }

  /** At least the shortest wait after a failure: what signs may be about to end, and all it signs with it. */
  #halfLifeMs(lifeMs: number): number {
    const share = (1 + jitter * (2 * this.#options.random() - 1)) / 2;
    return Math.max(lifeMs * share, retryMs.first);
  }

  #failed(fault: unknown): void {
    const { name, log } = this.#options;
    const delayMs = Math.min(retryMs.first * 2 ** this.#failures, retryMs.last);
    this.#failures += 1;
    const why = fault instanceof Error ? fault.message : String(fault);
    const end = this.#current && new Date(this.#current.notAfterMs).toISOString();
    const has = end === undefined ? "it has none" : `the one it has ends on ${end}`;
    log.error(`${name}: no certificate could be issued, ${has}; tried again in ${delayMs / 1000} s: ${why}`);
    this.#wait(delayMs);
  }
}

async function attempt(
  issue: RenewalOptions["issue"],
): Promise<{ readonly certificate: Certificate } | { readonly fault: unknown }> {
  try {
    return { certificate: await issue() };
  } catch (fault) {
    return { fault };
  }
}
