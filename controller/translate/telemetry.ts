// What the built-in telemetry filter is told of a proxy's Telemetry objects.

import { codes } from "../model/codes.ts";
import { mergeAccessLogging, mergeMetrics, type Side } from "../model/merge-telemetry.ts";
import type { Mesh } from "../model/mesh.ts";
import type { Direction } from "../model/names.ts";
import { type Ref, refOf, refText } from "../model/object.ts";
import type { Problem } from "../model/problem.ts";
import type { Proxy } from "../model/proxy.ts";
import { selecting, telemetriesOf } from "../model/select-telemetry.ts";
import { istioFields } from "./access-log.ts";

export interface TelemetryConfig {
  readonly value: Readonly<Record<string, unknown>>;
  /** The objects that it comes from. */
  readonly owners: readonly Ref[];
}

/** The configuration of the filter in one direction; absent where it does what it does by itself. */
export function telemetryConfig(mesh: Mesh, proxy: Proxy, direction: Direction): TelemetryConfig | undefined {
  const objects = telemetriesOf(mesh, proxy).filter(({ spec }) => spec.metrics.length + spec.accessLogging.length > 0);
  const side = sideOf(direction);
  const metrics = mergeMetrics(
    objects.map(({ spec }) => spec.metrics),
    side,
  );
  const log = mergeAccessLogging(
    objects.map(({ spec }) => spec.accessLogging),
    side,
  );
  if (metrics.length === 0 && !log) return undefined;
  const value = { ...(metrics.length > 0 && { metrics }), ...(log && { accessLog: { ...log, fields: istioFields } }) };
  return { value, owners: objects.map(refOf) };
}

/** Telemetry objects that choose the proxy's workload and have no effect there. */
export function telemetryProblems(mesh: Mesh, proxy: Proxy): readonly Problem[] {
  const [first, ...others] = selecting(mesh, proxy);
  if (!first) return [];
  const { namespace, workload } = proxy;
  return others.map((object) => {
    const message = `selects ${workload}.${namespace}, where it has no effect: ${refText(refOf(first))} selects it, too, and comes before`;
    return {
      severity: "error",
      code: codes.conflictingTelemetry,
      object: refOf(object),
      path: ["spec", "selector"],
      message,
    };
  });
}

export function sideOf(direction: Direction): Side {
  return direction === "inbound" ? "SERVER" : "CLIENT";
}
