import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestClock } from "../ports/clock.ts";
import { runTokens, signRunToken } from "./run-token.ts";
import { runTokenKey } from "./run-token-key.ts";

const nowMs = Date.UTC(2026, 10, 23, 12);
const clock = new TestClock(nowMs);
const key = new Uint8Array(32).fill(1);
const caller = {
  namespace: "shop",
  serviceAccount: "web",
  pod: { name: "web-1", uid: "u1" },
  expiresAtMs: nowMs + 60_000,
};

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-"));
});

afterAll(() => rm(folder, { recursive: true }));

test("what was signed is what is proven", async () => {
  expect(await runTokens(key, clock)(await signRunToken(key, caller, nowMs))).toEqual({ caller });
});

test.each<[string, () => Promise<string>, string]>([
  [
    "expired",
    () => signRunToken(key, { ...caller, expiresAtMs: nowMs }, nowMs - 60_000),
    "the token expired on 2026-11-23T12:00:00.000Z",
  ],
  [
    "of another run",
    () => signRunToken(new Uint8Array(32).fill(2), caller, nowMs),
    "the token is not signed by this mesh",
  ],
  [
    "for someone else",
    () =>
      new SignJWT()
        .setProtectedHeader({ alg: "HS256" })
        .setIssuer("sluice")
        .setAudience("vault")
        .setExpirationTime("1h")
        .sign(key),
    'the token is for "vault": expected istio-ca',
  ],
  [
    "of nobody",
    () =>
      new SignJWT()
        .setProtectedHeader({ alg: "HS256" })
        .setIssuer("sluice")
        .setAudience("istio-ca")
        .setExpirationTime("1h")
        .sign(key),
    "the token says nothing of a service account",
  ],
  [
    "that never expires",
    () => new SignJWT().setProtectedHeader({ alg: "HS256" }).setIssuer("sluice").setAudience("istio-ca").sign(key),
    "the token has no expiry",
  ],
  ["that is none", () => Promise.resolve("abc"), "the token is none: expected the JWT of a service account"],
])("a token %s is refused", async (_, make, message) => {
  expect(await runTokens(key, clock)(await make())).toEqual({ code: "UNAUTHENTICATED", message });
});

test("the key is made once, 32 bytes that only its owner can read", async () => {
  const file = join(folder, "token.key");
  const made = await runTokenKey(file);
  expect(made).toHaveLength(32);
  expect(await runTokenKey(file)).toEqual(made);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test("a file that holds something else is an error that says so", async () => {
  const file = join(folder, "other.key");
  await writeFile(file, "short");
  await expect(runTokenKey(file)).rejects.toThrow(`${file} has 5 bytes: expected the 32 of a token key; remove it`);
});
