import type { SecureContextOptions } from "node:tls";
import { ServerCredentials } from "@grpc/grpc-js";
import type { Certificate } from "../model/certificate.ts";

/** What the server proves itself with. */
export interface ServingCertificate {
  readonly current: Certificate;
  /** Calls `listener` after each renewal, until the returned function is called. */
  onChange(listener: () => void): () => void;
}

/**
 * TLS 1.2 or later, by a certificate that may change while the server runs: each handshake uses the latest, and open
 * connections go on. Clients show no certificate; they are told apart by their tokens.
 */
export class RenewedCredentials extends ServerCredentials {
  constructor(certificate: ServingCertificate) {
    super({}, contextOf(certificate));
    certificate.onChange(() => this.updateSecureContextOptions(contextOf(certificate)));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function contextOf({ current }: ServingCertificate): SecureContextOptions {
  return { cert: current.chain, key: current.key.reveal(), minVersion: "TLSv1.2" };
}
