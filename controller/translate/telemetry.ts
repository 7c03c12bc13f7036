// What the built-in telemetry filter is told of a proxy's Telemetry objects.

import { codes } from "../model/codes.ts";
import { memo } from "../model/memo.ts";
import {
  concerns,
  mergeAccessLogging,
  mergeMetrics,
  mergeReportingInterval,
  type Side,
} from "../model/merge-telemetry.ts";
import type { Mesh } from "../model/mesh.ts";
import type { Direction } from "../model/names.ts";
import { type MeshObject, type Ref, refOf, refText } from "../model/object.ts";
import type { Problem } from "../model/problem.ts";
import type { Proxy } from "../model/proxy.ts";
import { selecting, telemetriesOf } from "../model/select-telemetry.ts";
import { istioLabels, metricsOf } from "../model/telemetry.ts";
import { istioFields } from "./access-log.ts";

export interface TelemetryConfig {
  readonly value: Readonly<Record<string, unknown>>;
  /** The objects whose rules are for that place. */
  readonly owners: readonly Ref[];
}

/** Where the filter stands in a proxy. */
export interface TelemetryPlace {
  readonly direction: Direction;
  readonly of: keyof typeof metricsOf;
}

type Objects = readonly MeshObject<"Telemetry">[];

/** Proxies with the same objects share what these say. */
const configs = memo<object, TelemetryConfig | undefined>();

/** The configuration of the filter at one place; absent where it does what it does by itself. */
export function telemetryConfig(mesh: Mesh, proxy: Proxy, place: TelemetryPlace): TelemetryConfig | undefined {
  const side = sideOf(place.direction);
  const objects = telemetriesOf(mesh, proxy).filter(({ spec }) => concerns(spec, side, metricsOf[place.of]));
  const [first] = objects;
  const key = JSON.stringify([place, objects.map((object) => refText(refOf(object)))]);
  return first && configs(first, key, () => merged(objects, side, place), objects);
}

function merged(objects: Objects, side: Side, place: TelemetryPlace): TelemetryConfig | undefined {
  const rules = objects.map(({ spec }) => spec.metrics);
  const metrics = mergeMetrics(rules, side, metricsOf[place.of]);
  const intervalMs = mergeReportingInterval(rules);
  const log = mergeAccessLogging(
    objects.map(({ spec }) => spec.accessLogging),
    side,
  );
  const value = {
    ...(metrics.length > 0 && { metrics }),
    ...(intervalMs !== undefined && { tcp_reporting_duration: `${intervalMs}ms` }),
    ...(log && { accessLog: { ...log, fields: istioFields } }),
  };
  return Object.keys(value).length > 0 ? { value, owners: objects.map(refOf) } : undefined;
}

/** What Telemetry objects ask for and do not get on a proxy. */
export function telemetryProblems(mesh: Mesh, proxy: Proxy): readonly Problem[] {
  return [...overshadowed(mesh, proxy), ...unknownLabels(mesh, proxy)];
}

/** Objects that choose the proxy's workload behind another one. */
function overshadowed(mesh: Mesh, proxy: Proxy): readonly Problem[] {
  const [first, ...others] = selecting(mesh, proxy);
  if (!first) return [];
  return others.map((object) => {
    const message = `selects ${workloadOf(proxy)}, where it has no effect: ${refText(refOf(first))} selects it, too, and comes before`;
    const about = { code: codes.conflictingTelemetry, object: refOf(object), path: ["spec", "selector"], message };
    return { severity: "error", ...about };
  });
}

/** Labels that the filter leaves out: Envoy knows the names of labels from its start. */
function unknownLabels(mesh: Mesh, proxy: Proxy): readonly Problem[] {
  const { statTags } = proxy;
  if (!statTags) return [];
  const known = new Set<string>([...istioLabels, ...statTags]);
  return telemetriesOf(mesh, proxy).flatMap((object) => {
    const tags = object.spec.metrics.flatMap(({ overrides }) => overrides.flatMap((override) => [...override.tags]));
    const unknown = new Set(tags.flatMap(([tag, to]) => (to !== "REMOVE" && !known.has(tag) ? [tag] : [])));
    if (unknown.size === 0) return [];
    const message = `adds ${[...unknown].join(", ")}, which the pods of ${workloadOf(proxy)} do not know and leave out: name it in their annotation sidecar.istio.io/extraStatTags and start them anew`;
    return [
      { severity: "warning", code: codes.unknownLabel, object: refOf(object), path: ["spec", "metrics"], message },
    ];
  });
}

function workloadOf({ workload, namespace }: Proxy): string {
  return `${workload}.${namespace}`;
}

export function sideOf(direction: Direction): Side {
  return direction === "inbound" ? "SERVER" : "CLIENT";
}
