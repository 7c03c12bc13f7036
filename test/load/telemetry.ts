// What telemetry costs Envoy for a request, beside what the same Envoy takes for its own statistics and its own access log.
import { istioFields } from "../envoy/telemetry-fixture.ts";
import type { Chain } from "../support/filter-envoy.ts";
import { filterModule } from "../support/filter-module.ts";
import type { Measurement } from "./figures.ts";
import { filterCost } from "./filter-cost.ts";

/** Istio's, as far as it has one field for each of ours. */
const textLog =
  "[%START_TIME%] %REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL% %RESPONSE_CODE% %RESPONSE_FLAGS% " +
  "%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% %UPSTREAM_TRANSPORT_FAILURE_REASON% %BYTES_RECEIVED% " +
  "%BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% %REQ(X-FORWARDED-FOR)% %REQ(USER-AGENT)% " +
  "%REQ(X-REQUEST-ID)% %REQ(:AUTHORITY)% %UPSTREAM_HOST% %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% " +
  "%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%";

export const telemetryCost: Measurement = async (resources) => {
  const module = await filterModule("telemetry");
  const chain = { clusterMetadata };
  const telemetry = (config: Readonly<Record<string, unknown>>): Partial<Chain> => ({
    ...chain,
    plugins: [{ name: "telemetry", module, config }],
  });
  const metrics = [{ dimensions: threeLabels }];
  return filterCost(
    [
      { what: "Envoy with its own statistics", chain },
      { what: "its own access log, Istio's 23 fields", chain: { ...chain, accessLog: textLog } },
      { what: "telemetry's metrics", chain: telemetry({}) },
      { what: "the same with three labels by expressions", chain: telemetry({ metrics }) },
      {
        what: "the same with an access log of Istio's fields",
        chain: telemetry({ accessLog: { fields: istioFields } }),
      },
      { what: "the exchange of metadata alone", chain: telemetry({ metrics: [{ drop: true }] }) },
    ],
    resources,
  );
};

const clusterMetadata = {
  istio: { services: [{ host: "catalog.shop.svc.cluster.local", name: "catalog", namespace: "shop" }] },
};

const threeLabels = {
  request_host: "request.host",
  request_method: "request.method",
  destination_port: "destination.port",
};
