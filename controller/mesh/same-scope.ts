import type { Mesh } from "../model/mesh.ts";
import { isSelective, type Labels, type MeshObject, refOf, refText } from "../model/object.ts";

/** Policies of which one decides for its workloads alone. */
type Policy = MeshObject<"PeerAuthentication" | "Telemetry">;

export interface Overruled<P extends Policy> {
  readonly object: P;
  readonly message: string;
}

/** Policies behind another one with the same selector in the same namespace: the older, in files the first by name. */
export function overruled<P extends Policy>(
  policies: readonly P[],
  { settings: { rootNamespace } }: Mesh,
): readonly Overruled<P>[] {
  return policies.flatMap((object, i) => {
    const older = policies.slice(0, i).find((other) => hasSameScope(other, object));
    if (!older) return [];
    const { namespace } = object.meta;
    const scope = namespace === rootNamespace ? "the mesh" : `namespace ${namespace}`;
    const whose = isSelective(object.spec) ? "the workloads that it selects" : scope;
    const message = `has no effect: ${refText(refOf(older))} comes before it and decides for ${whose}; merge them into one`;
    return [{ object, message }];
  });
}

function hasSameScope(a: Policy, b: Policy): boolean {
  return a.meta.namespace === b.meta.namespace && labelsText(a.spec.selector) === labelsText(b.spec.selector);
}

function labelsText(labels: Labels = {}): string {
  return JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
