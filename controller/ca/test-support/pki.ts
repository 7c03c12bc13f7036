import { webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "../x509.ts";

export const p256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
export const rsa2048 = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
};

export interface Party {
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
  readonly keys: webcrypto.CryptoKeyPair;
  readonly algorithm: typeof p256 | typeof rsa2048;
}

export interface PartyOptions {
  /** Absent: it signs itself. */
  readonly by?: Party;
  readonly algorithm?: typeof p256 | typeof rsa2048;
  readonly isCa?: boolean;
  readonly usages?: number;
  /** Alternative ones. Default none. */
  readonly names?: readonly JsonGeneralName[];
  readonly fromMs?: number;
  readonly untilMs?: number;
}

/** Whoever has a certificate; by default one that may sign others, from 1970 to 2100. */
export async function party(name: string, options: PartyOptions = {}): Promise<Party> {
  const { by, algorithm = p256, isCa = true, fromMs = 0, untilMs = Date.UTC(2100, 0) } = options;
  const { usages = KeyUsageFlags.keyCertSign, names = [] } = options;
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as webcrypto.CryptoKeyPair;
  const issuer = by === undefined ? `CN=${name}` : new X509Certificate(by.certificate).subject;
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: "01",
      subject: `CN=${name}`,
      issuer,
      notBefore: new Date(fromMs),
      notAfter: new Date(untilMs),
      publicKey: keys.publicKey,
      signingKey: (by?.keys ?? keys).privateKey,
      signingAlgorithm: by?.algorithm ?? algorithm,
      extensions: [
        new BasicConstraintsExtension(isCa, undefined, true),
        new KeyUsagesExtension(usages, true),
        ...(names.length > 0 ? [new SubjectAlternativeNameExtension([...names])] : []),
      ],
    },
    webcrypto,
  );
  const key = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  return {
    certificate: `${certificate.toString("pem")}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
    keys,
    algorithm,
  };
}
