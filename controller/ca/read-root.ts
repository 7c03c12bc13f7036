// EDGE: reads keys and certificates with node:crypto and WebCrypto.
import { createPrivateKey, type KeyObject, webcrypto, X509Certificate } from "node:crypto";
import type { Issuer } from "./authority.ts";
import { rootFiles, type StoredRoot } from "./root-store.ts";
import { KeyUsageFlags, KeyUsagesExtension, X509Certificate as ParsedCertificate } from "./x509.ts";

type RootFile = (typeof rootFiles)[keyof typeof rootFiles];

/**
 * Checks a root of trust, whoever brought it: that the key belongs to the certificate, that this one may sign, that a
 * chain leads from it to a root, and that all on that way are valid now.
 *
 * @returns what signs, or all that is wrong: each with where it stands and what to do
 */
export async function readRoot(
  root: StoredRoot,
  nowMs: number,
): Promise<{ readonly issuer: Issuer } | { readonly problems: readonly string[] }> {
  const problems: string[] = [];
  const complain = (file: RootFile, what: string): void => void problems.push(`${root.origin}: ${file} ${what}`);
  const read = { root, complain };
  const [ca, ...above] = certificates("caCert", read);
  const chain = [...above, ...certificates("certChain", read)];
  const brought = certificates("rootCert", read);
  const key = keyOf(read);
  if (ca === undefined || key === undefined || problems.length > 0) return { problems };
  const roots = brought.length > 0 ? brought : [ca];

  const algorithm = algorithmOf(key, complain);
  if (!ca.checkPrivateKey(key)) {
    complain(rootFiles.caKey, `is not the key of ${rootFiles.caCert}: bring the two that belong together`);
  }
  if (!maySign(ca)) {
    complain(
      rootFiles.caCert,
      `may not sign certificates: bring one with CA:TRUE and, if it has key usages, keyCertSign`,
    );
  }
  const path = brought.length === 0 && !isIssuedBy(ca, ca) ? undefined : pathToRoot(ca, chain, roots);
  if (brought.length === 0 && path === undefined) {
    complain(rootFiles.rootCert, `is missing, and ${rootFiles.caCert} is no root: ${oneLine(ca.issuer)} signed it`);
  } else if (path === undefined) {
    complain(rootFiles.certChain, `does not lead from ${oneLine(ca.subject)} to a root of ${rootFiles.rootCert}`);
  }
  for (const one of path?.all ?? [ca]) checkTime(one, nowMs, (what) => problems.push(`${root.origin}: ${what}`));
  if (algorithm === undefined || path === undefined || problems.length > 0) return { problems };

  const der = new Uint8Array(key.export({ type: "pkcs8", format: "der" }));
  return {
    issuer: {
      certificate: new ParsedCertificate(ca.toString()),
      key: await webcrypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]),
      algorithm,
      expiresAtMs: Math.min(...path.all.map((one) => one.validToDate.getTime())),
      chain: pem(path.below),
      roots: pem(roots),
    },
  };
}

interface Read {
  readonly root: StoredRoot;
  readonly complain: (file: RootFile, what: string) => void;
}

function certificates(part: "caCert" | "rootCert" | "certChain", { root, complain }: Read): X509Certificate[] {
  const text = root[part];
  if (text === undefined) return [];
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0 && (part !== "certChain" || text.trim() !== "")) {
    complain(rootFiles[part], "has no certificate in it: expected PEM (-----BEGIN CERTIFICATE-----)");
  }
  return blocks.flatMap((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      complain(rootFiles[part], `can't be read, certificate ${index + 1} of ${blocks.length}: ${messageOf(error)}`);
      return [];
    }
  });
}

function keyOf({ root, complain }: Read): KeyObject | undefined {
  try {
    return createPrivateKey(root.caKey.reveal());
  } catch (error) {
    const isEncrypted = root.caKey.reveal().includes("ENCRYPTED");
    const why = isEncrypted ? "is encrypted: bring it without a passphrase" : `can't be read: ${messageOf(error)}`;
    complain(rootFiles.caKey, why);
    return undefined;
  }
}

const curves = {
  prime256v1: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  secp384r1: { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" },
  secp521r1: { name: "ECDSA", namedCurve: "P-521", hash: "SHA-512" },
} as const;

function algorithmOf(
  key: KeyObject,
  complain: Read["complain"],
): (typeof curves)[keyof typeof curves] | Rsa | undefined {
  if (key.asymmetricKeyType === "rsa") return rsa;
  const { namedCurve } = key.asymmetricKeyDetails ?? {};
  const known = Object.entries(curves).find(([name]) => name === namedCurve);
  if (known !== undefined) return known[1];
  const type = namedCurve ?? key.asymmetricKeyType;
  complain(rootFiles.caKey, `is of type ${type}: expected RSA, or ECDSA with P-256, P-384 or P-521`);
  return undefined;
}

const rsa = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" } as const;
type Rsa = typeof rsa;

function maySign(ca: X509Certificate): boolean {
  const usages = new ParsedCertificate(ca.toString()).getExtension(KeyUsagesExtension)?.usages;
  return ca.ca && (usages === undefined || (usages & KeyUsageFlags.keyCertSign) !== 0);
}

/**
 * @returns `below`: the signing certificate and what leads from it to a root, without that; `all`: with it. `undefined`
 *          where nothing leads to a root.
 */
function pathToRoot(
  ca: X509Certificate,
  chain: readonly X509Certificate[],
  roots: readonly X509Certificate[],
): { readonly below: readonly X509Certificate[]; readonly all: readonly X509Certificate[] } | undefined {
  const below: X509Certificate[] = [];
  for (let at: X509Certificate | undefined = ca; at !== undefined; ) {
    const current: X509Certificate = at;
    if (roots.some((root) => isSame(root, current))) return { below, all: [...below, current] };
    below.push(current);
    const root = roots.find((one) => isIssuedBy(current, one));
    if (root !== undefined) return { below, all: [...below, root] };
    at = chain.find((one) => isIssuedBy(current, one) && !below.some((other) => isSame(other, one)));
  }
  return undefined;
}

function isSame(one: X509Certificate, other: X509Certificate): boolean {
  return one.fingerprint256 === other.fingerprint256;
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function checkTime(one: X509Certificate, nowMs: number, complain: (what: string) => void): void {
  const name = `the certificate of ${oneLine(one.subject)}`;
  if (one.validToDate.getTime() <= nowMs) complain(`${name} expired on ${one.validToDate.toISOString()}: replace it`);
  if (one.validFromDate.getTime() > nowMs) complain(`${name} is not valid before ${one.validFromDate.toISOString()}`);
}

function pem(list: readonly X509Certificate[]): string {
  return list.map((one) => one.toString()).join("");
}

/** `O=cluster.local, CN=Root` of a name that OpenSSL writes in lines. */
function oneLine(name: string): string {
  return name.replaceAll("\n", ", ");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
