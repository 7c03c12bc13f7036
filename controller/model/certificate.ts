/** A private key in PEM (PKCS #8). Whatever prints or serializes it shows `[redacted]`. */
export class PrivateKey {
  readonly #pem: string;

  constructor(pem: string) {
    this.#pem = pem;
  }

  /** The key itself: only for what needs it to prove who it is, and never for a log. */
  reveal(): string {
    return this.#pem;
  }

  toString(): string {
    return "[redacted]";
  }

  toJSON(): string {
    return "[redacted]";
  }
}

/** A certificate with its key, and what its holder believes in. */
export interface Certificate {
  /** PEM: the certificate itself, then what it needs to be followed to a root, without that root. */
  readonly chain: string;
  readonly key: PrivateKey;
  /** PEM: all roots of trust of the mesh. */
  readonly roots: string;
  /** Milliseconds since the epoch. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}
