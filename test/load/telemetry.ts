// What telemetry costs Envoy for a request, beside what the same Envoy takes for its own statistics and its own access log.
import { Agent } from "node:http";
import { istioFields, startSidecar } from "../envoy/telemetry-fixture.ts";
import { freePort } from "../support/envoy.ts";
import type { Chain } from "../support/filter-envoy.ts";
import { filterModule } from "../support/filter-module.ts";
import { call } from "../support/http.ts";
import { startUpstream } from "../support/upstream.ts";
import { cpuNs } from "./bench/envoy.ts";
import { type Figure, type Measurement, percentile } from "./figures.ts";

const turns = 20;
const requests = 500;

/** Istio's, as far as it has one field for each of ours. */
const textLog =
  "[%START_TIME%] %REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL% %RESPONSE_CODE% %RESPONSE_FLAGS% " +
  "%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% %UPSTREAM_TRANSPORT_FAILURE_REASON% %BYTES_RECEIVED% " +
  "%BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% %REQ(X-FORWARDED-FOR)% %REQ(USER-AGENT)% " +
  "%REQ(X-REQUEST-ID)% %REQ(:AUTHORITY)% %UPSTREAM_HOST% %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% " +
  "%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%";

export const telemetryCost: Measurement = async (resources) => {
  const module = await filterModule("telemetry");
  const peer = await startUpstream((_, response) => response.end("ok"));
  resources.defer(() => peer.stop());
  const telemetry = (config: object): Partial<Chain> => ({
    plugins: [{ name: "telemetry", module, config: { ...config } }],
  });
  const ways: readonly (readonly [what: string, Partial<Chain>])[] = [
    ["Envoy with its own statistics", {}],
    ["its own access log, Istio's 23 fields", { accessLog: textLog }],
    ["telemetry's metrics", telemetry({})],
    ["the same with three labels by expressions", telemetry({ metrics: [{ dimensions: threeLabels }] })],
    ["the same with an access log of Istio's fields", telemetry({ accessLog: { fields: istioFields } })],
    ["the exchange of metadata alone", telemetry({ metrics: [{ drop: true }] })],
  ];
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  resources.defer(async () => agent.destroy());
  const envoys = await Promise.all(
    ways.map(async ([what, chain]) => {
      const port = await freePort();
      const all: Chain = {
        direction: "OUTBOUND",
        port,
        upstreamPorts: [peer.port],
        plugins: [],
        clusterMetadata,
        ...chain,
      };
      const envoy = await startSidecar({ workload: "web", labels: { app: "web" } }, [all]);
      resources.defer(() => envoy.stop());
      return { what, port, pid: envoy.pid, samples: [] as number[] };
    }),
  );
  for (let turn = -1; turn < turns; turn++) {
    for (const { port, pid, samples } of envoys) {
      const before = cpuNs(pid);
      for (let n = 0; n < requests; n++)
        await call({ host: "127.0.0.1", port, agent, headers: { host: "catalog.shop" } });
      if (turn >= 0) samples.push((cpuNs(pid) - before) / requests / 1000); // the first turn opens connections
    }
  }
  const how = `CPU of Envoy's threads for a request, ${requests} in each of ${turns} turns; the lower quartile`;
  const [base = 0, ...rest] = envoys.map(({ samples }) => percentile(samples, 25));
  return envoys.map(({ what }, i): Figure => {
    const sample = i === 0 ? base : (rest[i - 1] ?? 0) - base;
    return { what: i === 0 ? what : `more: ${what}`, samples: [sample], unit: "µs", how };
  });
};

const clusterMetadata = {
  istio: { services: [{ host: "catalog.shop.svc.cluster.local", name: "catalog", namespace: "shop" }] },
};

const threeLabels = {
  request_host: "request.host",
  request_method: "request.method",
  destination_port: "destination.port",
};
