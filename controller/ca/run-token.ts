import { errors, jwtVerify, SignJWT } from "jose";
import { type Authenticate, type Authentication, type Caller, tokenAudience } from "../ports/authenticator.ts";
import type { Clock } from "../ports/clock.ts";
import { claimedBy } from "./token-claims.ts";

// Tokens of a mesh that runs on one machine. The runner signs one for each pod with a key that only it and its controller
// know; the claims are those of Kubernetes' bound service account tokens, so that a proxy presents them in the same way.

const algorithm = "HS256";
const issuer = "sluice";

/** @param key at least 32 bytes, of `runTokenKey` */
export function signRunToken(key: Uint8Array, caller: Caller, nowMs: number): Promise<string> {
  const { namespace, serviceAccount: name, pod, expiresAtMs } = caller;
  return new SignJWT({ "kubernetes.io": { namespace, serviceaccount: { name }, ...(pod && { pod }) } })
    .setProtectedHeader({ alg: algorithm })
    .setIssuer(issuer)
    .setAudience(tokenAudience)
    .setSubject(`system:serviceaccount:${namespace}:${name}`)
    .setIssuedAt(seconds(nowMs))
    .setNotBefore(seconds(nowMs))
    .setExpirationTime(seconds(expiresAtMs))
    .sign(key);
}

/** Looks at tokens of {@link signRunToken}. */
export function runTokens(key: Uint8Array, clock: Pick<Clock, "nowMs">): Authenticate {
  return async (token) => {
    const nowMs = clock.nowMs();
    const claimed = claimedBy(token, nowMs);
    if ("flaw" in claimed) return refused(claimed.flaw);
    try {
      await jwtVerify(token, key, { algorithms: [algorithm], issuer, currentDate: new Date(nowMs) });
    } catch (error) {
      return refused(why(error));
    }
    return claimed.caller.serviceAccount === "" ? refused("says nothing of a service account") : claimed;
  };
}

function why(error: unknown): string {
  if (error instanceof errors.JWSSignatureVerificationFailed) return "is not signed by this mesh";
  return `is none: ${error instanceof Error ? error.message : String(error)}`;
}

function refused(what: string): Authentication {
  return { code: "UNAUTHENTICATED", message: `the token ${what}` };
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
