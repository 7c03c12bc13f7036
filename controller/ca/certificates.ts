import type { Certificate } from "../model/certificate.ts";
import { type Identity, spiffeId } from "../model/identity.ts";
import { Renewal, type RenewalOptions } from "./renewal.ts";

/** Changes within this time, in ms, are told at once: many proxies start, and many certificates are renewed, together. */
const gatherMs = 5;

export interface CertificatesOptions extends Pick<RenewalOptions, "clock" | "random" | "log"> {
  readonly issue: (identity: Identity) => Promise<Certificate>;
  /** Whether a proxy with this identity is connected; asked when its renewal is due. */
  readonly isWanted: (identity: Identity) => boolean;
  /** The certificates of these identities are other ones than before, or the first. */
  readonly onChange: (identities: readonly Identity[]) => void;
}

/**
 * The certificates of the workloads that are connected: one for each identity, whatever its number of pods, made when it
 * is first asked for. They and their keys are in memory only. After a restart all are made anew.
 */
export class Certificates {
  readonly #options: CertificatesOptions;
  readonly #renewals = new Map<string, Renewal>();
  /** By name, until they are told. */
  readonly #changed = new Map<string, Identity>();
  #cancel: (() => void) | undefined;

  constructor(options: CertificatesOptions) {
    this.#options = options;
  }

  /** `undefined`: it is being made now, and `onChange` tells when it is there. */
  get(identity: Identity): Certificate | undefined {
    const name = spiffeId(identity);
    const renewal = this.#renewals.get(name) ?? this.#begin(name, identity);
    return renewal.current;
  }

  stop(): void {
    this.#cancel?.();
    for (const renewal of this.#renewals.values()) renewal.stop();
  }

  #begin(name: string, identity: Identity): Renewal {
    const { issue, isWanted, clock, random, log } = this.#options;
    const renewal = new Renewal({
      name,
      issue: () => issue(identity),
      retire: () => !isWanted(identity) && this.#renewals.delete(name),
      onChange: () => this.#tell(name, identity),
      clock,
      random,
      log,
    });
    this.#renewals.set(name, renewal);
    return renewal;
  }

  #tell(name: string, identity: Identity): void {
    this.#changed.set(name, identity);
    this.#cancel ??= this.#options.clock.after(gatherMs, () => {
      const identities = [...this.#changed.values()];
      this.#changed.clear();
      this.#cancel = undefined;
      this.#options.onChange(identities);
    });
  }
}
