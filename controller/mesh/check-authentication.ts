import { codes } from "../model/codes.ts";
import type { Mesh } from "../model/mesh.ts";
import { type MeshObject, refOf, refText } from "../model/object.ts";
import type { Problem } from "../model/problem.ts";
import { isSelective } from "../model/select-authentication.ts";

type Policy = MeshObject<"PeerAuthentication">;

/** PeerAuthentications behind another one for the same workloads, which decides alone: the older, in files the first by name. */
export function checkAuthentication({ peerAuthentications, settings }: Mesh): readonly Problem[] {
  return peerAuthentications.flatMap((object, i) => {
    const older = peerAuthentications.slice(0, i).find((other) => hasSameScope(other, object));
    if (!older) return [];
    const { namespace } = object.meta;
    const scope = namespace === settings.rootNamespace ? "the mesh" : `namespace ${namespace}`;
    const whose = isSelective(object.spec) ? "the workloads that it selects" : scope;
    const message = `has no effect: ${refText(refOf(older))} comes before it and decides for ${whose}; merge them into one`;
    return [
      { severity: "warning", code: codes.conflictingAuthentication, object: refOf(object), path: ["spec"], message },
    ];
  });
}

function hasSameScope(a: Policy, b: Policy): boolean {
  return a.meta.namespace === b.meta.namespace && selectorText(a) === selectorText(b);
}

function selectorText({ spec }: Policy): string {
  return JSON.stringify(Object.entries(spec.selector ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
