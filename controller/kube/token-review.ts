import { claimsOf } from "../ca/token-claims.ts";
import { fieldsOf } from "../model/raw-object.ts";
import { type Authenticate, type Authentication, type Caller, tokenAudience } from "../ports/authenticator.ts";
import type { KubeClient } from "./client.ts";
import { isKubeError } from "./kube-error.ts";

const tokenReviews = { group: "authentication.k8s.io", version: "v1", plural: "tokenreviews" };

/** A proxy that connects waits for this. In ms. */
const reviewMsMax = 5000;

const podName = "authentication.kubernetes.io/pod-name";
const podUid = "authentication.kubernetes.io/pod-uid";

/**
 * Lets the API server look at tokens of service accounts. It remembers its yes for 10 s, so that a token may outlive its
 * pod by as much: who admits a proxy looks at the pod, too.
 */
export function tokenReview(client: Pick<KubeClient, "create">): Authenticate {
  return async (token) => {
    const review = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview" };
    const spec = { token, audiences: [tokenAudience] };
    try {
      const answer = await client.create(tokenReviews, { ...review, spec }, { timeoutMs: reviewMsMax });
      return read(fieldsOf(answer["status"]), token);
    } catch (error) {
      if (!isKubeError(error)) throw error;
      if (error.code === 400 || error.code === 422) return refused("is none"); // an empty one
      return { code: "UNAVAILABLE", message: `the token can't be looked at: ${error.message}` };
    }
  };
}

function read({ authenticated, audiences, user, error }: Readonly<Record<string, unknown>>, token: string) {
  if (authenticated !== true) {
    const why = typeof error === "string" && error !== "" ? `: ${error}` : "";
    return refused(`is refused by the API server${why}`);
  }
  // a server that knows nothing of audiences accepts tokens that are meant for others
  if (!Array.isArray(audiences) || !audiences.includes(tokenAudience)) return refused(`is not for ${tokenAudience}`);
  const caller = callerOf(fieldsOf(user), claimsOf(token)?.caller.expiresAtMs ?? 0);
  return caller === undefined ? refused("is not that of a service account") : { caller };
}

function callerOf({ username, extra }: Readonly<Record<string, unknown>>, expiresAtMs: number): Caller | undefined {
  const [system, kind, namespace, serviceAccount] = String(username).split(":");
  if (system !== "system" || kind !== "serviceaccount" || !namespace || !serviceAccount) return undefined;
  const name = first(fieldsOf(extra)[podName]);
  const uid = first(fieldsOf(extra)[podUid]);
  return { namespace, serviceAccount, expiresAtMs, ...(name && uid && { pod: { name, uid } }) };
}

function first(value: unknown): string | undefined {
  return Array.isArray(value) && typeof value[0] === "string" ? value[0] : undefined;
}

function refused(what: string): Authentication {
  return { code: "UNAUTHENTICATED", message: `the token ${what}` };
}
