import type { PodView, Texts } from "./pod.ts";

/** The namespace that a pod is created in. */
export interface PodNamespace {
  /** Empty where it is not known, as in a file. */
  readonly name: string;
  readonly labels: Texts;
}

/** The only revision that there is; the value of `istio.io/rev` that asks for it. */
export const revision = "default";

/** Name of the proxy's container, Istio's. */
export const proxyContainer = "istio-proxy";

/** What Kubernetes itself runs in, before there is a mesh. Istio's list. */
const systemNamespaces = ["kube-system", "kube-public", "kube-node-lease", "local-path-storage"];

const injectName = "sidecar.istio.io/inject";

export interface Decision {
  /** Why the pod stays as it is; absent: it gets a proxy. */
  readonly reason?: string;
  readonly warnings: readonly string[];
}

/**
 * Whether a pod gets a proxy: what the selectors of Istio's webhooks and then its injector decide. The label beats the
 * annotation; an annotation alone can only say no, because the selectors don't see it. Never twice.
 *
 * @see istio/istio manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml, pkg/kube/inject/inject.go
 */
export function decide(pod: PodView, namespace: PodNamespace): Decision {
  const word = pod.labels[injectName] ?? pod.annotations[injectName] ?? "";
  const place = injectName in pod.labels ? "label" : "annotation";
  const warnings = ["true", "false", ""].includes(word)
    ? []
    : [`${place} ${injectName} is "${word}": expected true or false; the namespace decides`];
  const reason = never(pod, namespace) ?? (word === "false" ? `its ${place} ${injectName} is false` : undefined);
  const refusal = reason ?? notAsked(pod, namespace);
  return { ...(refusal !== undefined && { reason: refusal }), warnings };
}

function never({ spec, annotations }: PodView, { name }: PodNamespace): string | undefined {
  if (spec["hostNetwork"] === true) return "it has the network of its host, whose traffic must not be redirected";
  if (systemNamespaces.includes(name)) return `namespace ${name} is Kubernetes' own`;
  return annotations["sidecar.istio.io/status"] === undefined ? undefined : "it has a proxy already";
}

/** What the selectors of the four webhooks let through. */
function notAsked({ labels }: PodView, namespace: PodNamespace): string | undefined {
  const injection = namespace.labels["istio-injection"];
  const namespaceRevision = namespace.labels["istio.io/rev"];
  if (injection === "enabled") return undefined;
  if (injection !== undefined) return `its namespace's label istio-injection is "${injection}"`;
  if (namespaceRevision === revision) return undefined;
  if (namespaceRevision !== undefined) return `its namespace is of revision ${namespaceRevision}`;
  const podRevision = labels["istio.io/rev"];
  if (podRevision !== undefined) return podRevision === revision ? undefined : `it is of revision ${podRevision}`;
  return labels[injectName] === "true" ? undefined : "neither its namespace nor its label asks for a proxy";
}
