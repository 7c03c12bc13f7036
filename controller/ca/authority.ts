// EDGE: makes keys and certificates; both need the randomness of WebCrypto.
import { randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import { type Certificate, PrivateKey } from "../model/certificate.ts";
import { type Identity, spiffeId } from "../model/identity.ts";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "./x509.ts";

/** Keys of workloads and of self-made roots. */
export const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** How far a certificate is dated back, in ms: clocks of other machines may be behind by this. */
export const clockSkewMs = 60_000;

/** Whom a certificate names: a workload by its SPIFFE id, or a server by its DNS names and IPs. */
export type Subject = { readonly identity: Identity } | { readonly hosts: readonly string[] };

/** What signs: a root, or a certificate below one. */
export interface Issuer {
  readonly certificate: X509Certificate;
  readonly key: webcrypto.CryptoKey;
  /** How `key` signs. */
  readonly algorithm: { readonly name: string; readonly hash: string };
  /** When the first ends of all from the certificate up to its root, in milliseconds since the epoch. */
  readonly expiresAtMs: number;
  /** PEM: what stands between a certificate signed here and the root; empty where a root signs. */
  readonly chain: string;
  /** PEM: all roots of trust. */
  readonly roots: string;
}

/**
 * Issues certificates: ECDSA P-256, a random serial number, good for both ends of a connection.
 *
 * The keys are made here, in the controller, handed to the proxies over their xDS streams and kept nowhere: a proxy has no
 * way to make a key itself (Envoy sends no certificate signing requests), and there is nothing else in the pod. So who
 * controls the controller's memory can be any workload, as who controls its signing key can.
 */
export class Authority {
  readonly #issuer: Issuer;
  readonly #former: Issuer | undefined;

  /**
   * @param former what issued before, while proxies run that were started with its roots: these can't learn of others until
   *               they reach a server that they trust, so servers' certificates are still of this one
   */
  constructor(issuer: Issuer, former?: Issuer) {
    this.#issuer = issuer;
    this.#former = former;
  }

  /** PEM: all roots of trust. */
  get roots(): string {
    return this.#issuer.roots + (this.#former?.roots ?? "");
  }

  /** When what workloads are issued is no longer believed, in milliseconds since the epoch. */
  get expiresAtMs(): number {
    return this.#issuer.expiresAtMs;
  }

  /**
   * A certificate from {@link clockSkewMs} ago until `ttlMs` from now, or until what signs it ends.
   *
   * @throws where that has ended
   */
  async issue(
    subject: Subject,
    { nowMs, ttlMs }: { readonly nowMs: number; readonly ttlMs: number },
  ): Promise<Certificate> {
    const issuer = "hosts" in subject ? (this.#former ?? this.#issuer) : this.#issuer;
    const { certificate: signing, key: signingKey, algorithm, chain, expiresAtMs } = issuer;
    if (nowMs >= expiresAtMs) {
      throw new Error(`the root of trust, or what leads to it, expired on ${iso(expiresAtMs)}: replace it`);
    }
    const keys = await webcrypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]);
    const notBeforeMs = nowMs - clockSkewMs;
    const notAfterMs = Math.min(nowMs + ttlMs, expiresAtMs);
    const certificate = await X509CertificateGenerator.create(
      {
        serialNumber: serialNumber(),
        issuer: signing.subjectName,
        notBefore: new Date(notBeforeMs),
        notAfter: new Date(notAfterMs),
        publicKey: keys.publicKey,
        signingKey,
        signingAlgorithm: algorithm,
        extensions: [
          new BasicConstraintsExtension(false, undefined, true),
          new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
          new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
          new SubjectAlternativeNameExtension(names(subject), true), // critical: there is no other name (RFC 5280, 4.2.1.6)
          await AuthorityKeyIdentifierExtension.create(signing.publicKey),
        ],
      },
      webcrypto,
    );
    return {
      chain: `${certificate.toString("pem")}\n${chain}`,
      key: await exportKey(keys.privateKey),
      roots: this.roots,
      notBeforeMs,
      notAfterMs,
    };
  }
}

/** A certificate that signs itself and others, in PEM, and its key. */
export async function selfSigned(
  organization: string,
  { nowMs, ttlMs }: { readonly nowMs: number; readonly ttlMs: number },
): Promise<{ readonly certificate: string; readonly key: PrivateKey }> {
  const keys = await webcrypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(),
      name: [{ O: [organization] }],
      notBefore: new Date(nowMs - clockSkewMs),
      notAfter: new Date(nowMs + ttlMs),
      keys,
      signingAlgorithm: ecdsa,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    },
    webcrypto,
  );
  return { certificate: `${certificate.toString("pem")}\n`, key: await exportKey(keys.privateKey) };
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

function names(subject: Subject): JsonGeneralName[] {
  if ("identity" in subject) return [{ type: "url", value: spiffeId(subject.identity) }];
  return subject.hosts.map((host) => ({ type: isIP(host) === 0 ? "dns" : "ip", value: host }));
}

/** 127 random bits as hex: 16 bytes, of which the first bit is 0, because the number must be positive. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8(bytes.readUInt8(0) & 0x7f, 0);
  return bytes.toString("hex");
}

async function exportKey(key: webcrypto.CryptoKey): Promise<PrivateKey> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key)).toString("base64");
  const lines = der.match(/.{1,64}/g) ?? [];
  return new PrivateKey(["-----BEGIN PRIVATE KEY-----", ...lines, "-----END PRIVATE KEY-----", ""].join("\n"));
}
