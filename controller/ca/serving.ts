import type { Certificate } from "../model/certificate.ts";
import { Renewal, type RenewalOptions } from "./renewal.ts";

export type ServingOptions = Omit<RenewalOptions, "retire" | "onChange">;

/** The certificate with which the controller itself serves xDS and webhooks, renewed for as long as it runs. */
export class ServingCertificate {
  readonly #renewal: Renewal;
  readonly #listeners = new Set<() => void>();
  #current: Certificate;

  private constructor(options: ServingOptions, first: Certificate) {
    this.#current = first;
    const onChange = (next: Certificate): void => {
      this.#current = next;
      for (const listener of this.#listeners) listener();
    };
    this.#renewal = new Renewal({ ...options, onChange }, first);
  }

  /** Makes the first; rejects where that can't be. */
  static async start(options: ServingOptions): Promise<ServingCertificate> {
    return new ServingCertificate(options, await options.issue());
  }

  get current(): Certificate {
    return this.#current;
  }

  /** Calls `listener` after each renewal, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  stop(): void {
    this.#renewal.stop();
  }
}
