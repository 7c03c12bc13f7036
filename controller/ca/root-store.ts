import type { PrivateKey } from "../model/certificate.ts";

/** The names under which Istio keeps a root of trust: in the Secrets `cacerts` and `istio-ca-secret`, and here in files. */
export const rootFiles = {
  caCert: "ca-cert.pem",
  caKey: "ca-key.pem",
  rootCert: "root-cert.pem",
  certChain: "cert-chain.pem",
} as const;

/** What signs certificates, all in PEM. */
export interface RootPem {
  /** The certificate that signs: a root, or an intermediate one. */
  readonly caCert: string;
  readonly caKey: PrivateKey;
  /** All roots of trust; absent: `caCert` is the root. */
  readonly rootCert?: string;
  /** What leads from `caCert` to a root; absent: a root signed it. */
  readonly certChain?: string;
}

export interface StoredRoot extends RootPem {
  /** Where it stands, for messages: `Secret istio-system/cacerts`. */
  readonly origin: string;
  /** The one that was in use before and still stands: what trusts only that is to be served on. */
  readonly former?: StoredRoot;
}

/** Where the root of trust is kept. */
export interface RootStore {
  /** `undefined`: there is none yet. Rejects where that can't be known. */
  load(): Promise<StoredRoot | undefined>;
  /** Keeps one that was made because there was none. @returns what stands now: another's, where another was first */
  save(root: RootPem): Promise<StoredRoot>;
}
