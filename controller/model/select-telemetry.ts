// Which Telemetry objects are of a workload. Pure. The rules are Istio's (istio/istio pilot/pkg/model/telemetry.go).
import type { Mesh } from "./mesh.ts";
import { isSelective, type MeshObject, matches } from "./object.ts";
import type { Proxy } from "./proxy.ts";

type TelemetryObject = MeshObject<"Telemetry">;

/**
 * The Telemetry objects of a workload in the order in which they apply, the later on top of the earlier: the mesh's, the
 * namespace's, and the one that selects the workload, which must be of its namespace. Of several at one level the oldest
 * counts alone.
 */
export function telemetriesOf(
  { telemetries, settings: { rootNamespace } }: Pick<Mesh, "telemetries" | "settings">,
  { namespace, labels }: Pick<Proxy, "namespace" | "labels">,
): readonly TelemetryObject[] {
  const wideIn = (where: string): TelemetryObject | undefined =>
    telemetries.find(({ meta, spec }) => meta.namespace === where && !isSelective(spec));
  const [own] = selecting({ telemetries }, { namespace, labels });
  const ofNamespace = namespace === rootNamespace ? undefined : wideIn(namespace);
  return [wideIn(rootNamespace), ofNamespace, own].filter((one) => one !== undefined);
}

/** Those that choose a workload by its labels; behind the first they have no effect there. */
export function selecting(
  { telemetries }: Pick<Mesh, "telemetries">,
  { namespace, labels }: Pick<Proxy, "namespace" | "labels">,
): readonly TelemetryObject[] {
  return telemetries.filter(
    ({ meta, spec }) => meta.namespace === namespace && isSelective(spec) && matches(spec.selector ?? {}, labels),
  );
}
