// What the built-in telemetry filter is told of a proxy's Telemetry objects.

import { codes } from "../model/codes.ts";
import { mergeAccessLogging, mergeMetrics, type Side } from "../model/merge-telemetry.ts";
import type { Mesh } from "../model/mesh.ts";
import type { Direction } from "../model/names.ts";
import { refOf, refText } from "../model/object.ts";
import type { Problem } from "../model/problem.ts";
import type { Proxy } from "../model/proxy.ts";
import { selecting, telemetriesOf } from "../model/select-telemetry.ts";
import { istioFields } from "./access-log.ts";

/** The configuration of the filter in one direction; absent where it does what it does by itself. */
export function telemetryConfig(
  mesh: Mesh,
  proxy: Proxy,
  direction: Direction,
): Readonly<Record<string, unknown>> | undefined {
  const specs = telemetriesOf(mesh, proxy).map(({ spec }) => spec);
  const metrics = mergeMetrics(
    specs.map((spec) => spec.metrics),
    sideOf(direction),
  );
  const log = mergeAccessLogging(
    specs.map((spec) => spec.accessLogging),
    sideOf(direction),
  );
  const config = {
    ...(metrics.length > 0 && { metrics }),
    ...(log && { accessLog: { ...log, fields: istioFields } }),
  };
  return Object.keys(config).length > 0 ? config : undefined;
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
