import { fieldsOf } from "../model/raw-object.ts";
import type { KubeObject, ResourceType } from "./api.ts";
import type { Selection } from "./client.ts";

/** What a kind is called, whatever it is served as: see crd/kinds.ts. */
export interface KindName {
  readonly kind: string;
  readonly group: string;
  /** The best first. */
  readonly versions: readonly string[];
}

/** A kind as this API server has it, and which of its objects matter. */
export interface Followable extends ResourceType {
  readonly kind: string;
  readonly selection?: Selection;
}

export const definitions: Followable = {
  kind: "CustomResourceDefinition",
  group: "apiextensions.k8s.io",
  version: "v1",
  plural: "customresourcedefinitions",
};

export const namespaces: Followable = { kind: "Namespace", group: "", version: "v1", plural: "namespaces" };

/** Slices of Services without a selector. Those that Kubernetes itself makes say what the pods say, and later. */
const endpointSlices: Followable = {
  kind: "EndpointSlice",
  group: "discovery.k8s.io",
  version: "v1",
  plural: "endpointslices",
  selection: { labelSelector: "endpointslice.kubernetes.io/managed-by!=endpointslice-controller.k8s.io" },
};

/** Kinds that every API server has. */
export const builtins: readonly Followable[] = [
  namespaces,
  { kind: "Service", group: "", version: "v1", plural: "services" },
  { kind: "Pod", group: "", version: "v1", plural: "pods" },
  endpointSlices,
];

/** Custom kinds that are served now, each in the best version: definitions that are established. */
export function servedKinds(known: readonly KubeObject[], kinds: readonly KindName[]): readonly Followable[] {
  return known.flatMap(({ spec, status }) => {
    const { group, names, versions } = fieldsOf(spec);
    const { kind, plural } = fieldsOf(names);
    const wanted = kinds.find((one) => one.kind === kind && one.group === group);
    if (wanted === undefined || typeof plural !== "string" || !isEstablished(status)) return [];
    const served = new Set(
      (Array.isArray(versions) ? versions : []).map(fieldsOf).flatMap((one) => (one["served"] ? one["name"] : [])),
    );
    const version = wanted.versions.find((one) => served.has(one));
    return version === undefined ? [] : [{ kind: wanted.kind, group: wanted.group, version, plural }];
  });
}

function isEstablished(status: unknown): boolean {
  const { conditions } = fieldsOf(status);
  return (Array.isArray(conditions) ? conditions : [])
    .map(fieldsOf)
    .some(({ type, status: is }) => type === "Established" && is === "True");
}
