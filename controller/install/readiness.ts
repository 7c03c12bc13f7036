import type { KubeObject } from "../kube/api.ts";
import { fieldsOf } from "../model/raw-object.ts";

/** Why an object does not do its work yet; `undefined`: it does. */
export function unreadiness(object: KubeObject): string | undefined {
  return checks[object.kind]?.(object);
}

const checks: Readonly<Record<string, (object: KubeObject) => string | undefined>> = {
  CustomResourceDefinition: establishment,
  Deployment: availability,
  MutatingWebhookConfiguration: trust,
  ValidatingWebhookConfiguration: trust,
  Namespace: ({ status }) =>
    fieldsOf(status)["phase"] === "Terminating" ? "is being deleted; wait until it is gone" : undefined,
};

function establishment(object: KubeObject): string | undefined {
  const refused = condition(object, "NamesAccepted", "False");
  if (refused !== undefined) return `its names are taken: ${refused}`;
  return condition(object, "Established", "True") === undefined ? "is not established" : undefined;
}

/** All of its pods are of the newest template, and ready. What is not of it serves only until enough others are ready. */
function availability(object: KubeObject): string | undefined {
  const failure = condition(object, "ReplicaFailure", "True");
  if (failure !== undefined) return `its pods can't be made: ${failure}`;
  const status = fieldsOf(object["status"]);
  const wanted = number(fieldsOf(object["spec"])["replicas"], 1);
  if (number(status["observedGeneration"], 0) < number(object.metadata.generation, 0)) return "was not looked at yet";
  const updated = number(status["updatedReplicas"], 0);
  const old = number(status["replicas"], 0) - updated;
  const ready = Math.max(0, number(status["availableReplicas"], 0) - old);
  if (ready < wanted) return `${ready} of ${wanted} pods are ready`;
  return old > 0 ? `${old} pods of before are still there` : undefined;
}

/** Until the control plane has said whom to trust, the API server can't call it. */
function trust(object: KubeObject): string | undefined {
  const without = items(object["webhooks"]).filter(
    (webhook) => (fieldsOf(fieldsOf(webhook)["clientConfig"])["caBundle"] ?? "") === "",
  );
  return without.length === 0 ? undefined : "the control plane has not brought its certificate yet";
}

/** The message of a condition, or its reason; `undefined` where there is none with this status. */
function condition(object: KubeObject, type: string, status: string): string | undefined {
  const found = items(fieldsOf(object["status"])["conditions"])
    .map(fieldsOf)
    .find((one) => one["type"] === type && one["status"] === status);
  return found && String(found["message"] || found["reason"] || status);
}

/** What keeps the pods of a Deployment from being ready, in the words of the node; one sentence for each pod that isn't. */
export function podTroubles(pods: readonly KubeObject[]): readonly string[] {
  return pods.flatMap((pod) => {
    const trouble = scheduling(pod) ?? containers(pod);
    return trouble === undefined ? [] : [`pod ${pod.metadata.name}: ${trouble}`];
  });
}

function scheduling(pod: KubeObject): string | undefined {
  const message = condition(pod, "PodScheduled", "False");
  return message === undefined ? undefined : `has no node: ${message}`;
}

function containers(pod: KubeObject): string | undefined {
  const status = fieldsOf(pod["status"]);
  const all = [...items(status["initContainerStatuses"]), ...items(status["containerStatuses"])].map(fieldsOf);
  for (const one of all) {
    const waiting = fieldsOf(fieldsOf(one["state"])["waiting"]);
    const ended = fieldsOf(fieldsOf(one["lastState"])["terminated"]);
    const last = "exitCode" in ended ? `; it ended with exit code ${ended["exitCode"]} before` : "";
    if (typeof waiting["reason"] === "string")
      return `container ${one["name"]}: ${[waiting["reason"], waiting["message"]].filter(Boolean).join(": ")}${last}`;
  }
  const running = all.find((one) => one["ready"] === false && "running" in fieldsOf(one["state"]));
  return running && `container ${running["name"]} runs and is not ready; see kubectl logs`;
}

function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function number(value: unknown, fallback: number): number {
  return typeof value === "number" ? value : fallback;
}
