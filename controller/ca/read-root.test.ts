import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { PrivateKey } from "../model/certificate.ts";
import { readRoot } from "./read-root.ts";
import type { StoredRoot } from "./root-store.ts";
import { type Party, party } from "./test-support/pki.ts";
import { KeyUsageFlags } from "./x509.ts";

const nowMs = Date.UTC(2026, 10, 23);

let root: Party;
let other: Party;
let middle: Party;
let signer: Party;

beforeAll(async () => {
  [root, other] = await Promise.all([party("root"), party("other")]);
  middle = await party("middle", { by: root });
  signer = await party("signer", { by: middle });
});

function stored({ certificate, key }: Pick<Party, "certificate" | "key">, rest: Partial<StoredRoot> = {}): StoredRoot {
  return { origin: "Secret istio-system/cacerts", caCert: certificate, caKey: new PrivateKey(key), ...rest };
}

async function problems(of: StoredRoot): Promise<string[]> {
  const read = await readRoot(of, nowMs);
  return "problems" in read ? read.problems.map((text) => text.replace("Secret istio-system/cacerts: ", "")) : [];
}

describe("good", () => {
  test.each([
    ["a root", () => stored(root)],
    ["a root that says so itself", () => stored(root, { rootCert: root.certificate })],
    ["an intermediate below a root", () => stored(middle, { rootCert: root.certificate })],
    [
      "a chain, in any order, with its root in it",
      () => stored(signer, { rootCert: root.certificate, certChain: root.certificate + middle.certificate }),
    ],
    [
      "a chain in ca-cert.pem",
      () => stored({ ...signer, certificate: signer.certificate + middle.certificate }, { rootCert: root.certificate }),
    ],
    ["one of several roots", () => stored(middle, { rootCert: other.certificate + root.certificate, certChain: "\n" })],
  ])("%s", async (_, make) => {
    expect(await problems(make())).toEqual([]);
  });

  test("a key as OpenSSL's older commands write it", async () => {
    const key = createPrivateKey(root.key).export({ type: "sec1", format: "pem" }).toString();
    expect(await problems(stored({ ...root, key }))).toEqual([]);
  });
});

describe("bad", () => {
  test.each<[string, () => StoredRoot | Promise<StoredRoot>, string[]]>([
    [
      "no PEM at all: each file is named",
      () => stored({ certificate: "garbage", key: "garbage" }, { rootCert: "" }),
      [
        "ca-cert.pem has no certificate in it: expected PEM (-----BEGIN CERTIFICATE-----)",
        "root-cert.pem has no certificate in it: expected PEM (-----BEGIN CERTIFICATE-----)",
        "ca-key.pem can't be read: error:1E08010C:DECODER routines::unsupported",
      ],
    ],
    [
      "another's key",
      () => stored({ ...root, key: other.key }),
      ["ca-key.pem is not the key of ca-cert.pem: bring the two that belong together"],
    ],
    [
      "not a CA",
      async () => stored(await party("leaf", { by: root, isCa: false }), { rootCert: root.certificate }),
      ["ca-cert.pem may not sign certificates: bring one with CA:TRUE and, if it has key usages, keyCertSign"],
    ],
    [
      "a CA without keyCertSign",
      async () => {
        const crl = await party("crl", { by: root, usages: KeyUsageFlags.cRLSign });
        return stored(crl, { rootCert: root.certificate });
      },
      ["ca-cert.pem may not sign certificates: bring one with CA:TRUE and, if it has key usages, keyCertSign"],
    ],
    [
      "expired, and its root too",
      async () => {
        const old = await party("old", { untilMs: Date.UTC(2020, 0) });
        const below = await party("below", { by: old, untilMs: Date.UTC(2021, 0) });
        return stored(below, { rootCert: old.certificate });
      },
      [
        "the certificate of CN=below expired on 2021-01-01T00:00:00.000Z: replace it",
        "the certificate of CN=old expired on 2020-01-01T00:00:00.000Z: replace it",
      ],
    ],
    [
      "not valid yet",
      async () => stored(await party("new", { fromMs: Date.UTC(2030, 0) })),
      ["the certificate of CN=new is not valid before 2030-01-01T00:00:00.000Z"],
    ],
    [
      "a chain with a gap",
      () => stored(signer, { rootCert: root.certificate }),
      ["cert-chain.pem does not lead from CN=signer to a root of root-cert.pem"],
    ],
    [
      "a chain to another root of the same name",
      async () => stored(middle, { rootCert: (await party("root")).certificate }),
      ["cert-chain.pem does not lead from CN=middle to a root of root-cert.pem"],
    ],
    [
      "an intermediate without its root",
      () => stored(middle),
      ["root-cert.pem is missing, and ca-cert.pem is no root: CN=root signed it"],
    ],
    [
      "a key with a passphrase",
      () => {
        const key = createPrivateKey(root.key);
        const options = { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" } as const;
        return stored({ ...root, key: key.export(options).toString() });
      },
      ["ca-key.pem is encrypted: bring it without a passphrase"],
    ],
  ])("%s", async (_, make, expected) => {
    expect(await problems(await make())).toEqual(expected);
  });

  test("a key of a kind that proxies don't take", async () => {
    const key = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    expect(await problems(stored({ ...root, key }))).toContain(
      "ca-key.pem is of type ed25519: expected RSA, or ECDSA with P-256, P-384 or P-521",
    );
  });
});
