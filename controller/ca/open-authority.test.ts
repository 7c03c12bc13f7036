import { X509Certificate } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TestClock } from "../ports/clock.ts";
import { TestLog } from "../ports/log.ts";
import { FileRootStore } from "./file-root-store.ts";
import { openAuthority } from "./open-authority.ts";
import type { RootStore } from "./root-store.ts";

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
