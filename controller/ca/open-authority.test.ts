import { X509Certificate } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PrivateKey } from "../model/certificate.ts";
import { TestClock } from "../ports/clock.ts";
import { TestLog } from "../ports/log.ts";
import { FileRootStore } from "./file-root-store.ts";
import { openAuthority } from "./open-authority.ts";
import type { RootStore, StoredRoot } from "./root-store.ts";
import { type Party, party } from "./test-support/pki.ts";

const nowMs = Date.UTC(2026, 10, 23);
const yearMs = 365 * 24 * 3_600_000;

let parent: string;
let folder: string;
let log: TestLog;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "sluice-"));
  folder = join(parent, "ca");
  log = new TestLog();
});

afterEach(() => rm(parent, { recursive: true }));

function open(atMs = nowMs, store: RootStore = new FileRootStore(folder)) {
  return openAuthority({ store, trustDomain: "cluster.local", clock: new TestClock(atMs), log });
}

test("a root is made once, good for ten years, in files that only their owner can read", async () => {
  const { roots, expiresAtMs } = await open();
  expect(new X509Certificate(roots)).toMatchObject({ subject: "O=cluster.local", issuer: "O=cluster.local", ca: true });
  expect(expiresAtMs).toBe(nowMs + 3650 * 24 * 3_600_000);
  expect(await readdir(folder)).toEqual(["ca-cert.pem", "ca-key.pem"]);
  expect((await stat(join(folder, "ca-key.pem"))).mode & 0o777).toBe(0o600);
  expect(log.lines).toEqual([`info: a root of trust was made, good until 2036-11-20: ${folder}`]);
  expect((await open()).roots).toBe(roots);
  expect(log.lines).toHaveLength(1);
});

test("of several that start at once, all have the root of the one that was first", async () => {
  const all = await Promise.all(Array.from({ length: 5 }, () => open()));
  expect(new Set(all.map(({ roots }) => roots)).size).toBe(1);
  expect(await readdir(parent)).toEqual(["ca"]);
});

test("a bad root stops the start with all that is wrong, and nothing is made in its place", async () => {
  await mkdir(folder);
  await writeFile(join(folder, "ca-cert.pem"), "x");
  await expect(open()).rejects.toThrow(`${folder}: ca-key.pem is missing beside the other half`);
  await writeFile(join(folder, "ca-key.pem"), "y");
  await expect(open()).rejects.toThrow(
    `no certificates can be issued: ${folder}: ca-cert.pem has no certificate in it: expected PEM (-----BEGIN CERTIFICATE-----); ${folder}: ca-key.pem can't be read`,
  );
  expect(await readFile(join(folder, "ca-cert.pem"), "utf8")).toBe("x");
});

test("from a year before its end on, each start asks for another", async () => {
  await open();
  await open(nowMs + 8 * yearMs);
  expect(log.lines).toHaveLength(1);
  await open(nowMs + 9.1 * yearMs);
  expect(log.lines.at(-1)).toBe(`warn: ${folder} ends on 2036-11-20: replace it before that`);
});

test("a former root is trusted beside the new one; one that is no good is not, and stops nothing", async () => {
  const [old, young] = [await party("old"), await party("young", { untilMs: nowMs + 3 * yearMs })];
  const stored = (origin: string, { certificate, key }: Party): StoredRoot => ({
    origin,
    caCert: certificate,
    caKey: new PrivateKey(key),
  });
  const beside = (former: StoredRoot): RootStore => {
    const load = () => Promise.resolve({ ...stored("Secret a", young), former });
    return { load, save: () => Promise.reject(new Error("a root is there")) };
  };
  const subjects = (roots: string) =>
    (roots.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? []).map((pem) => new X509Certificate(pem).subject);
  expect(subjects((await open(nowMs, beside(stored("Secret b", old)))).roots)).toEqual(["CN=young", "CN=old"]);
  const ended = await party("ended", { untilMs: nowMs - 1 });
  expect(subjects((await open(nowMs, beside(stored("Secret b", ended)))).roots)).toEqual(["CN=young"]);
  expect(log.lines).toEqual([
    "info: Secret b is trusted beside Secret a: restart every pod that has a proxy, then remove it and restart the controller",
    "warn: only Secret a is trusted: Secret b: the certificate of CN=ended expired on 2026-11-22T23:59:59.000Z: replace it",
  ]);
});
