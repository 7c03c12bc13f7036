import { beforeEach, describe, expect, test } from "vitest";
import type { AdmissionRefusal, Admitted } from "../model/admission.ts";
import type { MeshObject } from "../model/object.ts";
import type { Proxy } from "../model/proxy.ts";
import type { Authentication, Caller } from "../ports/authenticator.ts";
import { TestClock } from "../ports/clock.ts";
import { admission, trusting } from "./admission.ts";
import { unsignedToken } from "./test-support/token.ts";

const hourMs = 3_600_000;

const proxy: Proxy = {
  id: "sidecar~10.0.0.7~web-1.shop~shop.svc.cluster.local",
  type: "sidecar",
  ip: "10.0.0.7",
  name: "web-1",
  namespace: "shop",
  labels: { app: "said" },
  serviceAccount: "web",
  workload: "said",
  interception: "REDIRECT",
  version: "1.40.0",
};

const caller: Caller = {
  namespace: "shop",
  serviceAccount: "web",
  pod: { name: "web-1", uid: "u1" },
  expiresAtMs: 12 * hourMs,
};

function podOf(spec: { ip?: string | undefined; serviceAccount?: string; uid?: string } = {}): MeshObject<"Pod"> {
  const { uid = "u1", serviceAccount = "web", ip = "10.0.0.7" } = spec;
  return {
    kind: "Pod",
    meta: { namespace: "shop", name: "web-1", uid, labels: { app: "web" }, annotations: {} },
    spec: { serviceAccount, workload: "web", ports: [], ready: true, ...("ip" in spec && !spec.ip ? {} : { ip }) },
  };
}

let clock: TestClock;
/** How many tokens were looked at. */
let looks: number;
let pod: MeshObject<"Pod"> | undefined;

beforeEach(() => {
  clock = new TestClock();
  looks = 0;
  pod = podOf();
});

/** Asks, and lets time pass until there is an answer. */
async function ask(
  request: { proxy?: Partial<Proxy>; token?: string | undefined } = {},
  answer: Authentication = { caller },
): Promise<Admitted | AdmissionRefusal> {
  const admit = admission({
    authenticate: () => {
      looks += 1;
      return Promise.resolve(answer);
    },
    podOf: ({ namespace, name }) => (namespace === "shop" && name === "web-1" ? pod : undefined),
    trustDomain: "cluster.local",
    clock,
  });
  let outcome: Admitted | AdmissionRefusal | undefined;
  const token = "token" in request ? request.token : unsignedToken(caller);
  void admit({ proxy: { ...proxy, ...request.proxy }, token }).then((one) => {
    outcome = one;
  });
  while (outcome === undefined) {
    await new Promise((resolve) => setImmediate(resolve));
    if (outcome === undefined) clock.advance(10);
  }
  return outcome;
}

test("a proxy with its pod's token is served as what its pod is, whatever it says of itself", async () => {
  expect(await ask()).toEqual({
    proxy: { ...proxy, labels: { app: "web" }, workload: "web" },
    identity: { trustDomain: "cluster.local", namespace: "shop", serviceAccount: "web" },
    untilMs: 12 * hourMs - 5 * 60_000,
    isStanding: expect.any(Function),
  });
});

test("what a token says of itself admits nobody: it is looked at, and what that proves counts", async () => {
  const { pod: _, ...unbound } = caller;
  expect(await ask({}, { caller: unbound })).toMatchObject({ code: "PERMISSION_DENIED" });
  expect(looks).toBe(1);
});

test("it stands for as long as its pod does, and no other of that name counts", async () => {
  const outcome = await ask();
  if (!("isStanding" in outcome)) throw new Error(outcome.message);
  const standing = [podOf(), undefined, podOf({ ip: undefined }), podOf({ uid: "u3" })].map((now) => {
    pod = now;
    return outcome.isStanding();
  });
  expect(standing).toEqual([true, false, true, false]);
});

test("the stream ends halfway where the token is about to expire", async () => {
  expect(await ask({}, { caller: { ...caller, expiresAtMs: 60_000 } })).toMatchObject({ untilMs: 30_000 });
});

describe("refused", () => {
  test.each<[string, Parameters<typeof ask>, AdmissionRefusal]>([
    [
      "no token",
      [{ token: undefined }],
      { code: "UNAUTHENTICATED", message: "no token: expected metadata `authorization: Bearer <token>`" },
    ],
    [
      "a token that is refused, in the words of who looked at it",
      [{}, { code: "UNAUTHENTICATED", message: "the token expired" }],
      { code: "UNAUTHENTICATED", message: "the token expired" },
    ],
    [
      "no one could look at it",
      [{}, { code: "UNAVAILABLE", message: "no API server" }],
      { code: "UNAVAILABLE", message: "no API server" },
    ],
    [
      "the token of another pod",
      [{}, { caller: { ...caller, pod: { name: "cart-1", uid: "u2" } } }],
      { code: "PERMISSION_DENIED", message: "the token is that of pod cart-1.shop, but node.id says web-1.shop" },
    ],
    [
      "of the same name in another namespace",
      [{}, { caller: { ...caller, namespace: "other" } }],
      { code: "PERMISSION_DENIED", message: "the token is that of pod web-1.other, but node.id says web-1.shop" },
    ],
    [
      "a token of no pod",
      [{}, { caller: { namespace: "shop", serviceAccount: "web", expiresAtMs: hourMs } }],
      { code: "PERMISSION_DENIED", message: "the token is bound to no pod: expected that of a pod's projected volume" },
    ],
    [
      "another service account than the token's",
      [{ proxy: { serviceAccount: "admin" } }],
      {
        code: "PERMISSION_DENIED",
        message: "the token is that of service account web, but node.metadata.SERVICE_ACCOUNT says admin",
      },
    ],
    [
      "another address than the pod's",
      [{ proxy: { ip: "10.0.0.8" } }],
      { code: "PERMISSION_DENIED", message: "node.id says 10.0.0.8, but pod web-1.shop has 10.0.0.7" },
    ],
  ])("%s", async (_, args, refusal) => {
    expect(await ask(...args)).toEqual(refusal);
  });

  test.each<[string, Parameters<typeof ask>[0], AdmissionRefusal]>([
    [
      "text that is no token",
      { token: "rubbish" },
      { code: "UNAUTHENTICATED", message: "the token is none: expected the JWT of a service account" },
    ],
    [
      "a token for someone else",
      { token: unsignedToken(caller, "vault") },
      { code: "UNAUTHENTICATED", message: 'the token is for "vault": expected istio-ca' },
    ],
    [
      "the token of another pod",
      { token: unsignedToken({ ...caller, pod: { name: "cart-1", uid: "u2" } }) },
      { code: "PERMISSION_DENIED", message: "the token is that of pod cart-1.shop, but node.id says web-1.shop" },
    ],
    [
      "a token of no pod",
      { token: unsignedToken({ namespace: "shop", serviceAccount: "web", expiresAtMs: hourMs }) },
      { code: "PERMISSION_DENIED", message: "the token is bound to no pod: expected that of a pod's projected volume" },
    ],
    [
      "the token of another service account",
      { token: unsignedToken({ ...caller, serviceAccount: "cart" }) },
      {
        code: "PERMISSION_DENIED",
        message: "the token is that of service account cart, but node.metadata.SERVICE_ACCOUNT says web",
      },
    ],
  ])("%s, before anyone has to look at its signature", async (_, request, refusal) => {
    expect(await ask(request)).toEqual(refusal);
    expect(looks).toBe(0);
  });

  test("an expired token, in the same way", async () => {
    clock.advance(caller.expiresAtMs);
    const message = "the token expired on 1970-01-01T12:00:00.000Z";
    expect(await ask()).toEqual({ code: "UNAUTHENTICATED", message });
    expect(looks).toBe(0);
  });

  test.each<[string, () => MeshObject<"Pod"> | undefined, AdmissionRefusal]>([
    ["an unknown pod", () => undefined, { code: "UNAVAILABLE", message: "pod web-1.shop is not known yet" }],
    [
      "a pod without address",
      () => podOf({ ip: undefined }),
      { code: "UNAVAILABLE", message: "pod web-1.shop has no address yet" },
    ],
    [
      "a pod that has the name now",
      () => podOf({ uid: "u3" }),
      { code: "PERMISSION_DENIED", message: "the token is that of an earlier pod web-1.shop, uid u1" },
    ],
    [
      "a pod with another service account",
      () => podOf({ serviceAccount: "cart" }),
      {
        code: "PERMISSION_DENIED",
        message: "the token is that of service account web, but pod web-1.shop has cart",
      },
    ],
  ])("%s, when the mesh has had 5 s to hear of it", async (_, make, refusal) => {
    pod = make();
    expect(await ask()).toEqual(refusal);
    expect(clock.nowMs()).toBeGreaterThanOrEqual(5000);
  });
});

test("a pod that is heard of within 5 s is served", async () => {
  pod = undefined;
  clock.after(4000, () => {
    pod = podOf({ ip: undefined });
  });
  clock.after(4500, () => {
    pod = podOf();
  });
  expect(await ask()).toMatchObject({ identity: { serviceAccount: "web" } });
  expect(clock.nowMs()).toBeLessThan(5000);
});

test("where everyone is trusted, a proxy is who it says, for good", async () => {
  const outcome = await trusting("cluster.local")({ proxy, token: undefined });
  expect(outcome).toEqual({
    proxy,
    identity: { trustDomain: "cluster.local", namespace: "shop", serviceAccount: "web" },
    untilMs: Number.POSITIVE_INFINITY,
    isStanding: expect.any(Function),
  });
  expect("isStanding" in outcome && outcome.isStanding()).toBe(true);
});
