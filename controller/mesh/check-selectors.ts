import { codes } from "../model/codes.ts";
import type { Mesh } from "../model/mesh.ts";
import { type AnyObject, type Kind, type Labels, matches, refOf } from "../model/object.ts";
import type { Problem } from "../model/problem.ts";
import { labelledWorkloads } from "./workloads.ts";

/** WasmPlugins, PeerAuthentications, Telemetries and Sidecars whose selector chooses nothing that runs or is to run. */
export function checkSelectors({ settings }: Mesh, objects: readonly AnyObject[]): readonly Problem[] {
  const workloads = labelledWorkloads(objects);
  return objects.flatMap((object) => {
    const selection = selectionOf(object);
    if (!selection) return [];
    const isEverywhere = reachAll.includes(object.kind) && object.meta.namespace === settings.rootNamespace;
    const near = workloads.filter(({ namespace }) => isEverywhere || namespace === object.meta.namespace);
    if (near.some(({ labels }) => matches(selection.labels, labels))) return [];
    const wanted = Object.entries(selection.labels).map(([key, value]) => `${key}=${value}`);
    const where = isEverywhere ? "the mesh" : `namespace ${object.meta.namespace}`;
    const message = `matches nothing: no workload of ${where} has the labels ${wanted.join(", ")}`;
    return [{ severity: "warning", code: codes.noWorkloads, object: refOf(object), path: selection.path, message }];
  });
}

/** Kinds that choose workloads of the whole mesh by labels where they stand in the root namespace. */
const reachAll: readonly Kind[] = ["WasmPlugin", "PeerAuthentication"];

function selectionOf(object: AnyObject): { readonly labels: Labels; readonly path: Problem["path"] & {} } | undefined {
  switch (object.kind) {
    case "WasmPlugin":
    case "PeerAuthentication":
    case "Telemetry":
      return object.spec.selector && { labels: object.spec.selector, path: ["spec", "selector", "matchLabels"] };
    case "Sidecar":
      return (
        object.spec.workloadSelector && {
          labels: object.spec.workloadSelector,
          path: ["spec", "workloadSelector", "labels"],
        }
      );
    default:
      return undefined;
  }
}
