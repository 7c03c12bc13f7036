// What a cluster trusts: one CA, the certificates of its parts, and the key of its service account tokens.
import { generateKeyPairSync, webcrypto } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import "reflect-metadata"; // asked for by what @peculiar/x509 stands on, before it is loaded
import * as x509 from "@peculiar/x509";
import { PemConverter } from "@peculiar/x509";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const dayMs = 86_400_000;

export interface Leaf {
  /** `O=system:masters, CN=admin` */
  readonly subject: string;
  /** Addresses and names of a server; a certificate without any is a client's. */
  readonly hosts?: readonly string[];
}

/**
 * Writes `ca.crt`, `sa.key`, `sa.pub`, and `<name>.crt` and `<name>.key` of each leaf, all PEM.
 *
 * @param leaves by name
 */
export async function writeCertificates(dir: string, leaves: Readonly<Record<string, Leaf>>): Promise<void> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const validity = { notBefore: new Date(Date.now() - dayMs), notAfter: new Date(Date.now() + dayMs) };
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: "01",
    name: "CN=test-ca",
    ...validity,
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  const write = (name: string, pem: string): Promise<void> => writeFile(join(dir, name), pem, { mode: 0o600 });
  await write("ca.crt", ca.toString("pem"));
  const serviceAccounts = generateKeyPairSync("rsa", { modulusLength: 2048 });
  await write("sa.key", serviceAccounts.privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  await write("sa.pub", serviceAccounts.publicKey.export({ type: "spki", format: "pem" }).toString());

  for (const [i, [name, { subject, hosts = [] }]] of Object.entries(leaves).entries()) {
    const leafKeys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const names = hosts.map((value) => ({ type: isIP(value) ? ("ip" as const) : ("dns" as const), value }));
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: (i + 2).toString(16).padStart(2, "0"),
      subject,
      issuer: ca.subject,
      ...validity,
      signingAlgorithm: algorithm,
      publicKey: leafKeys.publicKey,
      signingKey: keys.privateKey,
      extensions: [
        new x509.ExtendedKeyUsageExtension([
          names.length > 0 ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth,
        ]),
        ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
      ],
    });
    await write(`${name}.crt`, certificate.toString("pem"));
    const key = await webcrypto.subtle.exportKey("pkcs8", leafKeys.privateKey);
    await write(`${name}.key`, PemConverter.encode(key, PemConverter.PrivateKeyTag));
  }
}
