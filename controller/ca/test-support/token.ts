import { type Caller, tokenAudience } from "../../ports/authenticator.ts";

/** A token that says so much, as Kubernetes writes it, and that nobody has signed. */
export function unsignedToken(
  { namespace, serviceAccount: name, pod, expiresAtMs }: Caller,
  aud: unknown = [tokenAudience],
): string {
  const claims = { aud, exp: expiresAtMs / 1000, "kubernetes.io": { namespace, serviceaccount: { name }, pod } };
  return `head.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.signature`;
}
