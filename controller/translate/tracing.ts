// Traces: every connection manager carries Envoy's tracer from the start, which decides of no request by itself and
// reports to a cluster that is always there. What is traced, what spans say and who gets them is in routes and in that
// cluster, so that turning tracing on is no listener's change.

import type { TracingSchema } from "../gen/envoy/config/route/v3/route_components_pb.js";
import {
  ZipkinConfig_CollectorEndpointVersion,
  ZipkinConfig_TraceContextOption,
  ZipkinConfigSchema,
} from "../gen/envoy/config/trace/v3/zipkin_pb.js";
import type { HttpConnectionManager_TracingSchema } from "../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { UuidRequestIdConfigSchema } from "../gen/envoy/extensions/request_id/uuid/v3/uuid_pb.js";
import type { CustomTagSchema } from "../gen/envoy/type/tracing/v3/custom_tag_pb.js";
import { FractionalPercent_DenominatorType } from "../gen/envoy/type/v3/percent_pb.js";
import { mergeTracing } from "../model/merge-telemetry.ts";
import type { Mesh, MeshService } from "../model/mesh.ts";
import { type Direction, spansCluster } from "../model/names.ts";
import type { Proxy } from "../model/proxy.ts";
import type { Resource } from "../model/resource.ts";
import { servicesServedBy } from "../model/select.ts";
import { destinationRuleFor } from "../model/select-rules.ts";
import { telemetriesOf } from "../model/select-telemetry.ts";
import type { CustomTag } from "../model/telemetry.ts";
import { clustersOf, emptyCluster } from "./clusters.ts";
import { any, type Init } from "./encode.ts";
import { sideOf } from "./telemetry.ts";

export type RouteTracing = Init<typeof TracingSchema>;

/**
 * How requests are traced on a proxy's routes of one direction. `undefined` where nothing is reported: there is no
 * collector, a Telemetry turns it off, or it is the way to the collector itself, where each report would make another.
 */
export function routeTracing(mesh: Mesh, proxy: Proxy, direction: Direction): RouteTracing | undefined {
  const collector = collectorOf(mesh);
  if (!collector) return undefined;
  if (direction === "inbound" && servicesServedBy(mesh, proxy).some(({ service }) => service === collector.service))
    return undefined;
  const rules = telemetriesOf(mesh, proxy).map(({ spec }) => spec.tracing);
  const { reported, samplingPercent, customTags, istioTags } = mergeTracing(rules, sideOf(direction));
  if (!reported) return undefined;
  const custom = [...customTags].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([tag, from]) => customTag(tag, from));
  return {
    clientSampling: percent(100),
    randomSampling: percent(samplingPercent),
    overallSampling: percent(100),
    customTags: [...decisions, ...(istioTags ? workload : []), ...custom],
  };
}

/** Spans that come here are dropped. */
const nobody = { inbound: emptyCluster(spansCluster("inbound")), outbound: emptyCluster(spansCluster("outbound")) };

/** Where the tracers of a proxy report to, for each direction: the collector, or nobody. */
export function spansClusters(mesh: Mesh, proxy: Proxy): readonly Resource[] {
  const directions: readonly Direction[] = proxy.type === "router" ? ["outbound"] : ["inbound", "outbound"];
  return directions.flatMap((direction) => {
    const name = spansCluster(direction);
    const collector = routeTracing(mesh, proxy, direction) && collectorOf(mesh);
    if (!collector) return [nobody[direction]];
    const { service, port } = collector;
    const rule = destinationRuleFor(mesh, proxy, service);
    const of = { service, port, rule, settings: mesh.settings, captured: false, name };
    return clustersOf(of, mesh.endpoints.get(service.host) ?? []);
  });
}

/** What every connection manager has. Spans of a gateway stand for a hop of its own, with one below for the call. */
export function managerTracing(direction: Direction, side: "sidecar" | "gateway") {
  const tracer = any(ZipkinConfigSchema, {
    collectorCluster: spansCluster(direction),
    collectorEndpoint: "/api/v2/spans",
    collectorEndpointVersion: ZipkinConfig_CollectorEndpointVersion.HTTP_JSON,
    collectorHostname: "zipkin",
    traceId128bit: true,
    sharedSpanContext: false,
    // applications may forward either
    traceContextOption: ZipkinConfig_TraceContextOption.USE_B3_WITH_W3C_PROPAGATION,
  });
  const tracing: Init<typeof HttpConnectionManager_TracingSchema> = {
    ...{ clientSampling: {}, randomSampling: {}, overallSampling: {} },
    provider: { name: "envoy.tracers.zipkin", configType: { case: "typedConfig", value: tracer } },
    ...(side === "gateway" ? { spawnUpstreamSpan: true } : {}),
  };
  // Whole, so that an application's own calls can be found by them.
  const requestId = any(UuidRequestIdConfigSchema, { packTraceReason: false });
  return { tracing, requestIdExtension: { typedConfig: requestId } };
}

interface Collector {
  readonly service: MeshService;
  readonly port: MeshService["ports"][number];
}

/** Absent: no service has its name, or not its port, or nobody knows where it is. */
function collectorOf({ services, settings: { zipkin, domain } }: Mesh): Collector | undefined {
  const service = services.get(zipkin.host) ?? services.get(`${zipkin.host}.svc.${domain}`);
  const port = service?.ports.find(({ number }) => number === zipkin.port);
  return service && port && service.resolution !== "NONE" ? { service, port } : undefined;
}

type Tag = Init<typeof CustomTagSchema>;

/** What the filters decided, as they leave it in filter state; where they did not, there is no tag. */
const decisions = ["retry-budget", "deadline"].map(
  (name): Tag => formatted(`sluice.${name}`, `FILTER_STATE(wasm.sluice.${name}:PLAIN)`),
);

/** Istio's tags. They are read from the node, so that the routes of all proxies have the same bytes. */
const workload = [
  formatted("istio.canonical_service", "CEL(xds.node.metadata.LABELS['service.istio.io/canonical-name'])"),
  formatted("istio.canonical_revision", "CEL(xds.node.metadata.LABELS['service.istio.io/canonical-revision'])"),
  formatted("istio.namespace", "CEL(xds.node.metadata.NAMESPACE)"),
  formatted("istio.cluster_id", "CEL(xds.node.metadata.CLUSTER_ID)"),
  formatted("istio.mesh_id", "CEL(xds.node.metadata.MESH_ID)"),
];

function formatted(tag: string, command: string): Tag {
  return customTag(tag, { from: "format", value: `%${command}%` });
}

function customTag(tag: string, from: CustomTag): Tag {
  switch (from.from) {
    case "literal":
      return { tag, type: { case: "literal", value: { value: from.value } } };
    case "format":
      return { tag, type: { case: "value", value: from.value } };
    case "environment":
      return { tag, type: { case: "environment", value: { name: from.name, defaultValue: from.defaultValue } } };
    case "header":
      return { tag, type: { case: "requestHeader", value: { name: from.name, defaultValue: from.defaultValue } } };
  }
}

/** In steps of 0.01, as Envoy counts. */
function percent(value: number) {
  return { numerator: Math.round(value * 100), denominator: FractionalPercent_DenominatorType.TEN_THOUSAND };
}
