import { crds } from "../crd/definitions.ts";
import { revision } from "../inject/decide.ts";
import { type Manifest, manifest, namespace } from "./manifest.ts";

export const injectorName = "sluice-sidecar-injector";
export const validatorName = `sluice-validator-${namespace}`;

/** The control plane fills in caBundle, and renews it. */
function client(path: string): object {
  return { service: { name: "sluice", namespace, path, port: 443 } };
}

/** A pod that should get a proxy and got none would talk past the mesh: better none at all. */
const shared = { admissionReviewVersions: ["v1"], failurePolicy: "Fail", sideEffects: "None" } as const;

interface Requirement {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "DoesNotExist";
  readonly values?: readonly string[];
}

const is = (key: string, value: string): Requirement => ({ key, operator: "In", values: [value] });
const isNot = (key: string, value: string): Requirement => ({ key, operator: "NotIn", values: [value] });
const none = (key: string): Requirement => ({ key, operator: "DoesNotExist" });

const inject = "sidecar.istio.io/inject";
const injection = "istio-injection";
const rev = "istio.io/rev";

/** Which pods come to the injector. Each pod matches one at most. */
const selectors: Readonly<Record<string, { namespace: readonly Requirement[]; object: readonly Requirement[] }>> = {
  "rev.namespace.": { namespace: [is(rev, revision), none(injection)], object: [isNot(inject, "false")] },
  "rev.object.": { namespace: [none(rev), none(injection)], object: [isNot(inject, "false"), is(rev, revision)] },
  "namespace.": { namespace: [is(injection, "enabled")], object: [isNot(inject, "false")] },
  "object.": { namespace: [none(injection), none(rev)], object: [is(inject, "true"), none(rev)] },
};

/**
 * Gives pods their proxies.
 *
 * @see istio/istio manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml
 */
export function injector(): Manifest {
  const rule = { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] };
  const webhooks = Object.entries(selectors).map(([prefix, { namespace: ofNamespace, object }]) => ({
    name: `${prefix}sidecar-injector.istio.io`,
    clientConfig: client("/inject"),
    rules: [rule],
    namespaceSelector: { matchExpressions: ofNamespace },
    objectSelector: { matchExpressions: object },
    ...shared,
  }));
  return manifest(
    "admissionregistration.k8s.io/v1",
    "MutatingWebhookConfiguration",
    { name: injectorName, labels: { app: "sidecar-injector", [rev]: revision } },
    { webhooks },
  );
}

/**
 * Refuses objects that are not valid. Istio lets everything pass until its control plane answers for the first time. Here a
 * control plane that can't be asked stops changes of these kinds and of nothing else, deletions excepted, from the
 * start: what is in force goes on, and a bad object never gets in while nobody looks.
 */
export function validator(): Manifest {
  const byGroup = Map.groupBy(crds(), ({ spec }) => spec.group);
  const rules = [...byGroup].map(([group, definitions]) => ({
    apiGroups: [group],
    apiVersions: ["*"],
    operations: ["CREATE", "UPDATE"],
    resources: definitions.map(({ spec }) => spec.names.plural),
  }));
  return manifest(
    "admissionregistration.k8s.io/v1",
    "ValidatingWebhookConfiguration",
    { name: validatorName, labels: { app: "sluice" } },
    { webhooks: [{ name: "validation.istio.io", clientConfig: client("/validate"), rules, ...shared }] },
  );
}
