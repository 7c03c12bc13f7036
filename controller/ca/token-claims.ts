import { fieldsOf } from "../model/raw-object.ts";
import { type Caller, tokenAudience } from "../ports/authenticator.ts";

/** What the token of a service account says, whoever signed it. */
export interface TokenClaims {
  readonly audiences: readonly string[];
  /** Names that it doesn't say are empty; an expiry that it doesn't say is 0. */
  readonly caller: Caller;
}

/** The last time that a Date knows, in ms. */
const timeMsMax = 8.64e15;

/** Reads a JWT as Kubernetes issues them, without a look at its signature; `undefined` where it is none. */
export function claimsOf(token: string): TokenClaims | undefined {
  const parts = token.split(".", 4);
  const claims = parts.length === 3 ? parse(parts[1] ?? "") : undefined;
  if (claims === undefined) return undefined;
  const { aud, exp, "kubernetes.io": of } = claims;
  const { namespace, serviceaccount, pod } = fieldsOf(of);
  const [name, uid] = [text(fieldsOf(pod)["name"]), text(fieldsOf(pod)["uid"])];
  const expiresAtMs = typeof exp === "number" ? exp * 1000 : 0;
  return {
    audiences: (Array.isArray(aud) ? aud : [aud]).filter((one) => typeof one === "string"),
    caller: {
      namespace: text(namespace),
      serviceAccount: text(fieldsOf(serviceaccount)["name"]),
      expiresAtMs: expiresAtMs >= 0 && expiresAtMs <= timeMsMax ? expiresAtMs : 0,
      ...(name !== "" && uid !== "" && { pod: { name, uid } }),
    },
  };
}

/**
 * Whose token it says it is; or why that is of no use even if it were true: `flaw` is `expired on …` and the like. Proves
 * nothing: anybody can write such a token.
 */
export function claimedBy(token: string, nowMs: number): { readonly caller: Caller } | { readonly flaw: string } {
  const claims = claimsOf(token);
  if (claims === undefined) return { flaw: "is none: expected the JWT of a service account" };
  const { audiences, caller } = claims;
  const forWhom = audiences.map((one) => JSON.stringify(one)).join(", ") || "nobody";
  if (!audiences.includes(tokenAudience)) return { flaw: `is for ${forWhom}: expected ${tokenAudience}` };
  if (caller.expiresAtMs === 0) return { flaw: "has no expiry" };
  if (caller.expiresAtMs > nowMs) return { caller };
  return { flaw: `expired on ${new Date(caller.expiresAtMs).toISOString()}` };
}

function parse(payload: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return fieldsOf(JSON.parse(Buffer.from(payload, "base64url").toString()));
  } catch {
    return undefined;
  }
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
