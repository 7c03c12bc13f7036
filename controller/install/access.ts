import { crds } from "../crd/definitions.ts";
import { rootConfigMap, rootSecrets } from "../model/root-names.ts";
import { type Manifest, manifest, namespace } from "./manifest.ts";
import { injectorName, validatorName } from "./webhooks.ts";

// What the control plane may do: the least that lets it work. It reads the mesh in all namespaces, and writes nothing
// there but the root certificate, events, and the status of Istio's kinds.

export const account = "sluice";
const clusterRole = `sluice-${namespace}`;

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

const read = ["get", "list", "watch"];

function ownKinds(): readonly Rule[] {
  const byGroup = Map.groupBy(crds(), ({ spec }) => spec.group);
  return [...byGroup].flatMap(([group, definitions]) => {
    const resources = definitions.map(({ spec }) => spec.names.plural);
    return [
      { apiGroups: [group], resources, verbs: read },
      { apiGroups: [group], resources: resources.map((plural) => `${plural}/status`), verbs: ["patch"] },
    ];
  });
}

/** The certificate that it keeps in the webhooks. */
function webhookRule(resource: string, name: string): Rule {
  const apiGroups = ["admissionregistration.k8s.io"];
  return { apiGroups, resources: [resource], verbs: [...read, "patch"], resourceNames: [name] };
}

/** `create` can't be limited to names. */
const clusterRules: readonly Rule[] = [
  { apiGroups: [""], resources: ["namespaces", "pods", "services"], verbs: read },
  { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: read },
  { apiGroups: ["apiextensions.k8s.io"], resources: ["customresourcedefinitions"], verbs: read },
  ...ownKinds(),
  { apiGroups: ["events.k8s.io"], resources: ["events"], verbs: ["create", "patch"] },
  { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
  { apiGroups: [""], resources: ["configmaps"], verbs: ["create"] },
  { apiGroups: [""], resources: ["configmaps"], verbs: [...read, "patch"], resourceNames: [rootConfigMap.name] },
  webhookRule("mutatingwebhookconfigurations", injectorName),
  webhookRule("validatingwebhookconfigurations", validatorName),
];

/** The authority's root: the one that it makes, and one that the operator brings. */
const namespaceRules: readonly Rule[] = [
  { apiGroups: [""], resources: ["secrets"], verbs: ["create"] },
  { apiGroups: [""], resources: ["secrets"], verbs: ["get"], resourceNames: Object.values(rootSecrets) },
];

const rbac = "rbac.authorization.k8s.io";
const subjects = [{ kind: "ServiceAccount", name: account, namespace }];

/** The control plane's account and what it may do. */
export function access(): readonly Manifest[] {
  const roleRef = (kind: string, name: string) => ({ apiGroup: rbac, kind, name });
  return [
    manifest("v1", "ServiceAccount", { name: account, namespace, labels: { app: account } }),
    manifest(`${rbac}/v1`, "ClusterRole", { name: clusterRole }, { rules: clusterRules }),
    manifest(
      `${rbac}/v1`,
      "ClusterRoleBinding",
      { name: clusterRole },
      { roleRef: roleRef("ClusterRole", clusterRole), subjects },
    ),
    manifest(`${rbac}/v1`, "Role", { name: account, namespace }, { rules: namespaceRules }),
    manifest(
      `${rbac}/v1`,
      "RoleBinding",
      { name: account, namespace },
      { roleRef: roleRef("Role", account), subjects },
    ),
  ];
}
