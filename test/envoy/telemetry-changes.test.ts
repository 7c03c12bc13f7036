// Changes of Istio's metrics on a real Envoy: which labels Prometheus reads.
import { afterAll, beforeAll, expect, test } from "vitest";
import { istioLabels } from "../../controller/model/telemetry.ts";
import { freePort, type TestEnvoy } from "../support/envoy.ts";
import { filterModule } from "../support/filter-module.ts";
import { call } from "../support/http.ts";
import { samples } from "../support/prometheus.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { startSidecar } from "./telemetry-fixture.ts";

let app: Upstream;
let envoy: TestEnvoy;
let port: number;

const metrics = [
  {
    tags_to_remove: ["response_flags"],
    dimensions: {
      ...{ request_host: "request.host", destination_port: "destination.port", tenant: "request.headers['x-tenant']" },
      ...{ app: "'ends source_app'", response_code: "request.headers['x-tenant']" }, // empty, too
      ...{ stranger: "'no bootstrap names it'", source_app: "request.method + ' ' + plugin_name // a comment" },
    },
  },
  { name: "request_bytes", drop: true },
];

beforeAll(async () => {
  app = await startUpstream((_, response) => void response.end("ok"));
  port = await freePort();
  const plugins = [{ name: "telemetry", module: await filterModule("telemetry"), config: { metrics } }];
  envoy = await startSidecar({ workload: "web", labels: { app: "web" }, statTags: ["tenant", "app"] }, [
    { direction: "INBOUND", port, upstreamPorts: [app.port], plugins },
  ]);
});

afterAll(async () => {
  await envoy.stop();
  await app.stop();
});

test("labels are removed, overridden and added, and a metric is dropped", async () => {
  for (const tenant of ["acme", "", undefined])
    await call({
      ...{ host: "127.0.0.1", port, path: "/" },
      headers: { host: "web.test", ...(tenant === undefined ? {} : { "x-tenant": tenant }) },
    });
  const all = await envoy.waitFor(async () => {
    const found = await samples(envoy, "istio_requests_total");
    return found.length === 3 && found;
  }, "a series for each tenant");
  expect(all.map(({ labels }) => labels["tenant"]).toSorted()).toEqual(["", "acme", "unknown"]);
  const added = ["app", "destination_port", "request_host", "tenant"];
  for (const { labels } of all) {
    expect(Object.keys(labels).toSorted()).toEqual(
      [...istioLabels.filter((label) => label !== "response_flags"), ...added].toSorted(),
    );
    expect(labels).toMatchObject({
      ...{
        request_host: "web.test",
        destination_port: String(port),
        source_app: "GET telemetry",
        destination_app: "web",
        app: "ends source_app",
        response_code: labels["tenant"],
      },
    });
  }
  const names = await envoy.waitFor(async () => {
    const shown = await envoy.get("/stats?usedonly&filter=istio_.*_bytes");
    return shown.includes("istio_response_bytes") && shown;
  }, "the histograms, which Envoy shows when it has flushed them");
  expect(names).not.toContain("istio_request_bytes");
  expect(envoy.output()).toMatch(/no metric has stranger: this proxy was started without such a tag/);
});
