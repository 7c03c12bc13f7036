// What tracing costs Envoy for a request: the tracer that every connection manager has, and what a Telemetry asks of it.
import { TracingSchema } from "../../controller/gen/envoy/config/route/v3/route_components_pb.js";
import { HttpConnectionManagerSchema } from "../../controller/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { spansCluster } from "../../controller/model/names.ts";
import { messageJson } from "../../controller/translate/test-support/json.ts";
import { mesh, object, proxy, service } from "../../controller/translate/test-support/model.ts";
import { managerTracing, routeTracing } from "../../controller/translate/tracing.ts";
import { type Chain, staticCluster } from "../support/filter-envoy.ts";
import { startUpstream } from "../support/upstream.ts";
import type { Measurement } from "./figures.ts";
import { filterCost } from "./filter-cost.ts";

export const tracingCost: Measurement = async (resources) => {
  const collector = await startUpstream((_, response) => response.writeHead(202).end());
  resources.defer(() => collector.stop());
  const peers = [staticCluster(spansCluster("outbound"), collector.port)];
  const manager = messageJson(HttpConnectionManagerSchema, managerTracing("outbound", "sidecar"));
  const traced = (percent?: number): Partial<Chain> => ({
    peers,
    manager,
    ...(percent !== undefined && { tracing: routeJson(percent) }),
  });
  return filterCost(
    [
      { what: "Envoy without a tracer" },
      { what: "the tracer that every proxy has, asked for nothing", chain: traced() },
      { what: "tracing of 0 %", chain: traced(0) },
      { what: "tracing of 1 %", chain: traced(1) },
      { what: "tracing of 100 %", chain: traced(100) },
    ],
    resources,
  );
};

/** `tracing` of a route, as the controller writes it where there is a collector. */
function routeJson(samplingPercent: number) {
  const rule = { providers: [], mode: "CLIENT_AND_SERVER", samplingPercent } as const;
  const telemetry = object("Telemetry", "all", { metrics: [], accessLogging: [], tracing: [rule] });
  const zipkin = service("zipkin", { host: "zipkin.istio-system.svc.cluster.local", port: 9411 });
  const tracing = routeTracing(mesh({ services: [zipkin], telemetries: [telemetry] }), proxy(), "outbound");
  if (!tracing) throw new Error("the mesh has a collector and is not traced");
  return messageJson(TracingSchema, tracing);
}
