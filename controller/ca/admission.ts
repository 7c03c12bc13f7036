import type { AdmissionRefusal, Admit } from "../model/admission.ts";
import type { MeshObject } from "../model/object.ts";
import { type Proxy, proxyName } from "../model/proxy.ts";
import type { Authenticate, Caller } from "../ports/authenticator.ts";
import type { Clock } from "../ports/clock.ts";
import { claimedBy } from "./token-claims.ts";

/** A stream is ended this long before its token expires; halfway, where less than twice that is left. */
const marginMs = 5 * 60_000;

/** How long the mesh is given to hear of a pod and its address, and how often it is asked. */
const podWaitMs = 5000;
const podPollMs = 50;

export interface AdmissionOptions {
  readonly authenticate: Authenticate;
  /** The pod as the mesh knows it now. */
  readonly podOf: (pod: Pick<Proxy, "namespace" | "name">) => MeshObject<"Pod"> | undefined;
  readonly trustDomain: string;
  readonly clock: Clock;
}

/**
 * Whether a proxy is who its node says: the token must be bound to the very pod, and the pod must have the address and
 * the service account. What decides what a proxy is served, labels and workload, is then taken from the pod, whatever
 * the proxy says of itself. It stands for as long as there is a pod of that name and uid.
 */
export function admission({ authenticate, podOf, trustDomain, clock }: AdmissionOptions): Admit {
  return async ({ proxy, token }) => {
    if (token === undefined) {
      return { code: "UNAUTHENTICATED", message: "no token: expected metadata `authorization: Bearer <token>`" };
    }
    const cheap = unbelievable(proxy, token, clock.nowMs());
    if (cheap !== undefined) return cheap;
    const authentication = await authenticate(token);
    if (!("caller" in authentication)) return authentication;
    const { caller } = authentication;
    const claim = contradiction(proxy, caller);
    if (claim !== undefined) return claim;
    const pod = await settled(() => compare(proxy, caller, podOf(proxy)), clock);
    if ("code" in pod) return pod;
    const { serviceAccount, workload } = pod.spec;
    const leftMs = caller.expiresAtMs - clock.nowMs();
    return {
      proxy: { ...proxy, labels: pod.meta.labels, serviceAccount, workload },
      identity: { trustDomain, namespace: caller.namespace, serviceAccount },
      untilMs: caller.expiresAtMs - Math.min(marginMs, leftMs / 2),
      isStanding: () => isBound(caller, podOf(proxy)),
    };
  };
}

/**
 * Everyone is who they say, for good: for a port of 127.0.0.1 without TLS, where any process of the machine is trusted as
 * much as any other.
 */
export function trusting(trustDomain: string): Admit {
  return ({ proxy }) => {
    const { namespace, serviceAccount } = proxy;
    const identity = { trustDomain, namespace, serviceAccount };
    return Promise.resolve({ proxy, identity, untilMs: Number.POSITIVE_INFINITY, isStanding: () => true });
  };
}

/**
 * Why nobody needs to look at the token's signature: what it says would not do if it were true. Spares the API server the
 * tokens that anybody can make up without effort; nobody is served for what an unproven token says.
 */
function unbelievable(proxy: Proxy, token: string, nowMs: number): AdmissionRefusal | undefined {
  const claimed = claimedBy(token, nowMs);
  if ("flaw" in claimed) return { code: "UNAUTHENTICATED", message: `the token ${claimed.flaw}` };
  return contradiction(proxy, claimed.caller);
}

/** What the token says against the node; `undefined`: nothing. */
function contradiction(proxy: Proxy, { namespace, serviceAccount, pod }: Caller): AdmissionRefusal | undefined {
  const refusal = (message: string): AdmissionRefusal => ({ code: "PERMISSION_DENIED", message });
  if (pod === undefined) return refusal("the token is bound to no pod: expected that of a pod's projected volume");
  const [bearer, name] = [proxyName({ namespace, name: pod.name }), proxyName(proxy)];
  if (bearer !== name) return refusal(`the token is that of pod ${bearer}, but node.id says ${name}`);
  const { serviceAccount: said } = proxy;
  if (said === "" || said === serviceAccount) return undefined;
  return refusal(
    `the token is that of service account ${serviceAccount}, but node.metadata.SERVICE_ACCOUNT says ${said}`,
  );
}

/** The pod, where it is that of the token and has the address of the node. */
function compare(
  proxy: Proxy,
  caller: Caller,
  pod: MeshObject<"Pod"> | undefined,
): MeshObject<"Pod"> | AdmissionRefusal {
  const name = `pod ${proxyName(proxy)}`;
  if (pod === undefined) return { code: "UNAVAILABLE", message: `${name} is not known yet` };
  const { serviceAccount, pod: bound } = caller;
  const { spec } = pod;
  if (!isBound(caller, pod)) {
    return { code: "PERMISSION_DENIED", message: `the token is that of an earlier ${name}, uid ${bound?.uid}` };
  }
  if (spec.serviceAccount !== serviceAccount) {
    const message = `the token is that of service account ${serviceAccount}, but ${name} has ${spec.serviceAccount}`;
    return { code: "PERMISSION_DENIED", message };
  }
  if (spec.ip === undefined) return { code: "UNAVAILABLE", message: `${name} has no address yet` };
  if (spec.ip === proxy.ip) return pod;
  return { code: "PERMISSION_DENIED", message: `node.id says ${proxy.ip}, but ${name} has ${spec.ip}` };
}

/** Whether the pod of that name is the token's; one that is written in a file may have no uid. */
function isBound({ pod: bound }: Caller, pod: MeshObject<"Pod"> | undefined): boolean {
  return pod !== undefined && (pod.meta.uid === undefined || pod.meta.uid === bound?.uid);
}

/** Asks until the answer is no refusal, for as long as the mesh may be behind; then the last refusal counts. */
async function settled<T extends object>(ask: () => T | AdmissionRefusal, clock: Clock): Promise<T | AdmissionRefusal> {
  const endMs = clock.nowMs() + podWaitMs;
  for (;;) {
    const answer = ask();
    if (!("code" in answer) || clock.nowMs() >= endMs) return answer;
    await new Promise<void>((resolve) => void clock.after(podPollMs, resolve));
  }
}
