import { createPrivateKey, X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:tls";
import { expect, test } from "vitest";
import type { Certificate } from "../model/certificate.ts";
import { PrivateKey } from "../model/certificate.ts";
import { Authority, type Subject } from "./authority.ts";
import { readRoot } from "./read-root.ts";
import { type Party, party, rsa2048 } from "./test-support/pki.ts";

const nowMs = Date.UTC(2026, 10, 23, 12);
const cart: Subject = { identity: { trustDomain: "cluster.local", namespace: "shop", serviceAccount: "cart" } };
const hourMs = 3_600_000;

async function authorityOf(ca: Party, rest: { rootCert?: string; certChain?: string } = {}): Promise<Authority> {
  const stored = { origin: "test", caCert: ca.certificate, caKey: new PrivateKey(ca.key), ...rest };
  const read = await readRoot(stored, nowMs);
  if ("problems" in read) throw new Error(read.problems.join());
  return new Authority(read.issuer);
}

/** The chain as Node reads it, the certificate itself first. */
function chainOf({ chain }: Certificate): X509Certificate[] {
  return (chain.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? []).map((pem) => new X509Certificate(pem));
}

test("a workload's certificate: SPIFFE id, both ends, P-256, dated back a minute, signed by the root", async () => {
  const root = await party("root");
  const certificate = await (await authorityOf(root)).issue(cart, { nowMs, ttlMs: hourMs });
  const [own, ...rest] = chainOf(certificate);
  expect(rest).toEqual([]);
  expect(own).toMatchObject({
    subjectAltName: "URI:spiffe://cluster.local/ns/shop/sa/cart",
    ca: false,
    keyUsage: ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"],
    validFromDate: new Date(nowMs - 60_000),
    validToDate: new Date(nowMs + hourMs),
  });
  expect(own?.publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
  expect(own?.checkPrivateKey(createPrivateKey(certificate.key.reveal()))).toBe(true);
  expect(own?.verify(new X509Certificate(root.certificate).publicKey)).toBe(true);
  expect(certificate.roots).toBe(new X509Certificate(root.certificate).toString());
});

test("no two serial numbers are alike, and all are positive", async () => {
  const authority = await authorityOf(await party("root"));
  const all = await Promise.all(Array.from({ length: 50 }, () => authority.issue(cart, { nowMs, ttlMs: hourMs })));
  const serials = all.flatMap((one) => chainOf(one).map(({ serialNumber }) => serialNumber));
  expect(new Set(serials).size).toBe(50);
  expect(serials.every((serial) => Number.parseInt(serial.padStart(32, "0").slice(0, 1), 16) < 8)).toBe(true);
});

test("an intermediate's certificates bring what leads to the root, and not the root", async () => {
  const root = await party("root", { algorithm: rsa2048 });
  const upper = await party("upper", { by: root });
  const lower = await party("lower", { by: upper, algorithm: rsa2048 });
  const certChain = upper.certificate + root.certificate;
  const authority = await authorityOf(lower, { rootCert: root.certificate, certChain });
  const chain = chainOf(await authority.issue(cart, { nowMs, ttlMs: hourMs }));
  expect(chain.map(({ subject }) => subject)).toEqual([undefined, "CN=lower", "CN=upper"]);
});

test("no certificate outlives what signs it, up to the root, and none is issued after that", async () => {
  const root = await party("root", { untilMs: nowMs + 1000 });
  const authority = await authorityOf(await party("lower", { by: root }), { rootCert: root.certificate });
  expect((await authority.issue(cart, { nowMs, ttlMs: hourMs })).notAfterMs).toBe(nowMs + 1000);
  await expect(authority.issue(cart, { nowMs: nowMs + 1000, ttlMs: hourMs })).rejects.toThrow(
    "the root of trust, or what leads to it, expired on 2026-11-23T12:00:01.000Z: replace it",
  );
});

test("a server's certificate is believed by its DNS names and its IPs, and by no other", async () => {
  const now = Date.now();
  const authority = await authorityOf(await party("root"));
  const hosts = ["sluice.istio-system.svc", "127.0.0.1"];
  const { chain, key, roots } = await authority.issue({ hosts }, { nowMs: now, ttlMs: hourMs });
  const server = createServer({ cert: chain, key: key.reveal() }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const believed = async (servername: string): Promise<boolean> => {
    const socket = connect({ host: "127.0.0.1", port, ca: roots, servername });
    const isBelieved = await once(socket, "secureConnect").then(
      () => socket.authorized,
      () => false,
    );
    socket.destroy();
    return isBelieved;
  };
  expect(await believed("sluice.istio-system.svc")).toBe(true);
  expect(await believed("other.istio-system.svc")).toBe(false);
  expect(await believed("")).toBe(true); // then Node looks for the address
  server.close();
});

test("beside a former root both are trusted: workloads' certificates are of the new one, servers' of the former", async () => {
  const [old, young] = [await party("old"), await party("young")];
  const issuerOf = async (ca: Party) => {
    const read = await readRoot({ origin: "test", caCert: ca.certificate, caKey: new PrivateKey(ca.key) }, nowMs);
    if ("problems" in read) throw new Error(read.problems.join());
    return read.issuer;
  };
  const authority = new Authority(await issuerOf(young), await issuerOf(old));
  const life = { nowMs, ttlMs: hourMs };
  const [workload, server] = [await authority.issue(cart, life), await authority.issue({ hosts: ["a"] }, life)];
  expect([workload, server].map((one) => chainOf(one)[0]?.issuer)).toEqual(["CN=young", "CN=old"]);
  const both = [young, old].map(({ certificate }) => new X509Certificate(certificate).toString()).join("");
  expect([authority.roots, workload.roots, server.roots]).toEqual([both, both, both]);
});

test("a key can't be printed by mistake", async () => {
  const { key } = await (await authorityOf(await party("root"))).issue(cart, { nowMs, ttlMs: hourMs });
  expect([`${key}`, JSON.stringify({ key })]).toEqual(["[redacted]", '{"key":"[redacted]"}']);
});
