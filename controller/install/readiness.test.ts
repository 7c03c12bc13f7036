import { describe, expect, test } from "vitest";
import type { KubeObject } from "../kube/api.ts";
import { podTroubles, unreadiness } from "./readiness.ts";

const object = (kind: string, rest: object): KubeObject => ({
  apiVersion: "v1",
  kind,
  metadata: { name: "a", generation: 2 },
  ...rest,
});

const deployment = (status: object): KubeObject =>
  object("Deployment", { spec: { replicas: 2 }, status: { observedGeneration: 2, ...status } });
const definition = (...conditions: object[]): KubeObject =>
  object("CustomResourceDefinition", { status: { conditions } });
const injector = (...bundles: (string | undefined)[]): KubeObject =>
  object("MutatingWebhookConfiguration", { webhooks: bundles.map((caBundle) => ({ clientConfig: { caBundle } })) });
const all = { replicas: 2, updatedReplicas: 2, availableReplicas: 2 };
const quota = { type: "ReplicaFailure", status: "True", message: "exceeded quota" };
const established = { type: "Established", status: "True" };
const taken = { type: "NamesAccepted", status: "False", message: '"vs" is in use' };

describe("objects", () => {
  test.each`
    object                                                                   | reason
    ${deployment(all)}                                                       | ${undefined}
    ${deployment({ ...all, observedGeneration: 1 })}                         | ${"was not looked at yet"}
    ${deployment({ replicas: 2, updatedReplicas: 2, availableReplicas: 1 })} | ${"1 of 2 pods are ready"}
    ${deployment({ replicas: 3, updatedReplicas: 1, availableReplicas: 2 })} | ${"0 of 2 pods are ready"}
    ${deployment({ replicas: 3, updatedReplicas: 2, availableReplicas: 3 })} | ${"1 pods of before are still there"}
    ${deployment({})}                                                        | ${"0 of 2 pods are ready"}
    ${deployment({ conditions: [quota] })}                                   | ${"its pods can't be made: exceeded quota"}
    ${definition(established)}                                               | ${undefined}
    ${definition({ ...established, status: "False" })}                       | ${"is not established"}
    ${definition(taken)}                                                     | ${'its names are taken: "vs" is in use'}
    ${injector("a", "b")}                                                    | ${undefined}
    ${injector("a", undefined)}                                              | ${"the control plane has not brought its certificate yet"}
    ${injector("")}                                                          | ${"the control plane has not brought its certificate yet"}
    ${object("Namespace", { status: { phase: "Terminating" } })}             | ${"is being deleted; wait until it is gone"}
    ${object("Service", {})}                                                 | ${undefined}
  `("$object.kind $object.status: $reason", ({ object: one, reason }) => expect(unreadiness(one)).toBe(reason));
});

describe("pods", () => {
  const pod = (status: object): KubeObject => object("Pod", { status });
  const waiting = { reason: "CrashLoopBackOff", message: "back-off 10s" };

  test.each`
    status                                                                                                    | trouble
    ${{ containerStatuses: [{ name: "c", ready: true, state: { running: {} } }] }}                            | ${[]}
    ${{ conditions: [{ type: "PodScheduled", status: "False", message: "0/3 nodes are available" }] }}        | ${["pod a: has no node: 0/3 nodes are available"]}
    ${{ initContainerStatuses: [{ name: "i", state: { waiting: { reason: "ErrImagePull" } } }] }}             | ${["pod a: container i: ErrImagePull"]}
    ${{ containerStatuses: [{ name: "c", state: { waiting }, lastState: { terminated: { exitCode: 1 } } }] }} | ${["pod a: container c: CrashLoopBackOff: back-off 10s; it ended with exit code 1 before"]}
    ${{ containerStatuses: [{ name: "c", ready: false, state: { running: {} } }] }}                           | ${["pod a: container c runs and is not ready; see kubectl logs"]}
  `("$status: $trouble", ({ status, trouble }) => expect(podTroubles([pod(status)])).toEqual(trouble));
});
