import { expect, test } from "vitest";
import { unsignedToken } from "./test-support/token.ts";
import { claimedBy, claimsOf } from "./token-claims.ts";

const caller = { namespace: "shop", serviceAccount: "web", pod: { name: "web-1", uid: "u1" }, expiresAtMs: 60_000 };

/** A token with any payload. */
function token(payload: string): string {
  return `head.${Buffer.from(payload).toString("base64url")}.signature`;
}

test("a token says whose it is, for whom, and until when", () => {
  expect(claimsOf(unsignedToken(caller))).toEqual({ audiences: ["istio-ca"], caller });
  expect(claimedBy(unsignedToken(caller, "istio-ca"), 59_999)).toEqual({ caller });
});

test.each([
  ["rubbish", "is none: expected the JWT of a service account"],
  ["a.b", "is none: expected the JWT of a service account"],
  ["a.b.c.d", "is none: expected the JWT of a service account"],
  [token("no JSON"), "is none: expected the JWT of a service account"],
  [token("null"), "is for nobody: expected istio-ca"],
  [token('{"aud":["vault","db",7],"exp":100}'), 'is for "vault", "db": expected istio-ca'],
  [token('{"aud":"istio-ca"}'), "has no expiry"],
  [token('{"aud":"istio-ca","exp":"100"}'), "has no expiry"],
  [token('{"aud":"istio-ca","exp":1e300}'), "has no expiry"],
  [token('{"aud":"istio-ca","exp":-1e300}'), "has no expiry"],
  [unsignedToken(caller), "expired on 1970-01-01T00:01:00.000Z"],
])("%s %s", (text, flaw) => {
  expect(claimedBy(text, 60_000)).toEqual({ flaw });
});
