import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort, startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { type Chain, filterBootstrap } from "../support/filter-envoy.ts";
import { filterModule } from "../support/filter-module.ts";
import { call } from "../support/http.ts";
import { grpcCall } from "../support/http2.ts";
import { type Sample, samples } from "../support/prometheus.ts";
import { startGrpcUpstream, startUpstream, type Upstream } from "../support/upstream.ts";
import { type Identity, namespace, startSidecar } from "./telemetry-fixture.ts";

// Real Envoys with the node and the statistics of their bootstrap: webapp's sidecar and a gateway call catalog's sidecar,
// which has its application behind it. What Prometheus would read is compared label by label.

const peerHeaders = ["x-envoy-peer-metadata", "x-envoy-peer-metadata-id"];
const catalogCluster = {
  istio: { services: [{ host: "catalog.shop.svc.cluster.local", name: "catalog", namespace }] },
};
const externalCluster = {
  istio: { external: true, services: [{ host: "example.com", name: "example.com", namespace }] },
};
const catalogEndpoint = { istio: { workload: "catalog-v1;shop;catalog;v1;Kubernetes" } };

const ports = { sidecar: 0, gateway: 0, external: 0, dead: 0, mute: 0, grpc: 0, inbound: 0, inboundGrpc: 0 };
const started: { stop(): Promise<unknown> }[] = [];
let module: Uint8Array;
let app: Upstream;
let grpcApp: Upstream;
let world: Upstream;
let webapp: TestEnvoy;
let gateway: TestEnvoy;
let catalog: TestEnvoy;

async function envoy(identity: Identity, chains: readonly Omit<Chain, "plugins">[]): Promise<TestEnvoy> {
  const plugins = [{ name: "telemetry", module }];
  const envoy = await startSidecar(
    identity,
    chains.map((chain) => ({ ...chain, plugins })),
  );
  started.push(envoy);
  return envoy;
}

beforeAll(async () => {
  module = await filterModule("telemetry");
  app = await startUpstream((request, response) => {
    const status = Number(request.url?.slice(1)) || 200;
    // An application that knows the mesh's headers must not speak in its proxy's name.
    response.writeHead(status, Object.fromEntries(peerHeaders.map((header) => [header, "app"]))).end("ok");
  });
  grpcApp = await startGrpcUpstream((stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "5" }));
    stream.end(new Uint8Array(5));
  });
  world = await startUpstream((_, response) => void response.writeHead(200, { "x-envoy-peer-metadata": "me" }).end());
  const silent = await startUpstream(() => {});
  started.push(app, grpcApp, world, silent);
  for (const name of Object.keys(ports) as (keyof typeof ports)[]) ports[name] = await freePort();
  const { sidecar, external, dead, mute, grpc, inbound, inboundGrpc } = ports;
  const toCatalog = { clusterMetadata: catalogCluster, endpointMetadata: catalogEndpoint };
  catalog = await envoy({ workload: "catalog-v1", labels: { app: "catalog", version: "v1" } }, [
    { direction: "INBOUND", port: inbound, upstreamPorts: [app.port], clusterMetadata: catalogCluster },
    { direction: "INBOUND", port: inboundGrpc, upstreamPorts: [grpcApp.port], http2: true },
  ]);
  webapp = await envoy({ workload: "webapp", labels: { app: "webapp" } }, [
    {
      ...{ direction: "OUTBOUND", port: sidecar, upstreamPorts: [inbound], ...toCatalog },
      accessLog: "size=%REQUEST_HEADERS_BYTES%+%BYTES_RECEIVED% %RESPONSE_HEADERS_BYTES%+%BYTES_SENT%",
    },
    { direction: "OUTBOUND", port: external, upstreamPorts: [world.port], clusterMetadata: externalCluster },
    {
      ...{ direction: "OUTBOUND", port: dead, upstreamPorts: [await freePort()], ...toCatalog },
      ...{ route: { retry_policy: { retry_on: "5xx", num_retries: 1 } }, accessLog: "dead=%RESPONSE_FLAGS%" },
    },
    {
      ...{ direction: "OUTBOUND", port: mute, upstreamPorts: [silent.port], ...toCatalog },
      route: { retry_policy: { retry_on: "5xx", num_retries: 1, per_try_timeout: "0.05s" } },
      accessLog: "mute=%RESPONSE_FLAGS%",
    },
    { direction: "OUTBOUND", port: grpc, upstreamPorts: [inboundGrpc], http2: true, ...toCatalog },
  ]);
  const edge = { workload: "istio-ingressgateway", labels: { app: "istio-ingressgateway" }, type: "router" } as const;
  gateway = await envoy(edge, [{ direction: "OUTBOUND", port: ports.gateway, upstreamPorts: [inbound], ...toCatalog }]);
});

afterAll(async () => {
  for (const one of started.reverse()) await one.stop();
});

interface Static {
  readonly static_resources: {
    readonly listeners: readonly {
      readonly filter_chains: readonly { readonly filters: readonly { readonly typed_config: Manager }[] }[];
    }[];
    readonly clusters: readonly { readonly name: string }[];
  };
}

interface Manager {
  readonly http_filters: unknown[];
  readonly route_config: { readonly virtual_hosts: readonly { readonly routes: unknown[] }[] };
}

/** With a filter before all others that sends the first listener's requests to the second one's cluster. */
function rerouted(bootstrap: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const config: Static = JSON.parse(JSON.stringify(bootstrap));
  const { listeners, clusters } = config.static_resources;
  const manager = listeners[0]?.filter_chains[0]?.filters[0]?.typed_config;
  const match = { prefix: "/", headers: [{ name: "x-to", string_match: { exact: "world" } }] };
  manager?.route_config.virtual_hosts[0]?.routes.unshift({ match, route: { cluster: clusters[1]?.name } });
  const code = 'function envoy_on_request(h) h:headers():add("x-to", "world") h:clearRouteCache() end';
  const type = "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua";
  const typed_config = { "@type": type, default_source_code: { inline_string: code } };
  manager?.http_filters.unshift({ name: "lua", typed_config });
  return { ...config };
}

const get = (port: number, path = "/", headers: Readonly<Record<string, string>> = {}) =>
  call({ host: "127.0.0.1", port, path, headers: { host: "catalog.shop", ...headers } });

/** The labels of the requests that some labels single out, once they are counted. */
async function counted(of: TestEnvoy, some: Readonly<Record<string, string>>): Promise<Sample["labels"]> {
  const found = await of.waitFor(
    async () => {
      const all = await samples(of, "istio_requests_total");
      return all.find(({ labels }) => Object.entries(some).every(([key, value]) => labels[key] === value));
    },
    `istio_requests_total with ${JSON.stringify(some)}`,
  );
  return found.labels;
}

const ofWebapp = {
  source_workload: "webapp",
  source_canonical_service: "webapp",
  source_canonical_revision: "latest",
  source_workload_namespace: "shop",
  source_principal: "unknown",
  source_app: "webapp",
  source_cluster: "Kubernetes",
};
const toCatalog = {
  destination_workload: "catalog-v1",
  destination_workload_namespace: "shop",
  destination_principal: "unknown",
  destination_app: "catalog",
  destination_version: "v1",
  destination_service: "catalog.shop.svc.cluster.local",
  destination_canonical_service: "catalog",
  destination_canonical_revision: "v1",
  destination_service_name: "catalog",
  destination_service_namespace: "shop",
  destination_cluster: "Kubernetes",
};
const answered = { request_protocol: "http", grpc_response_status: "", response_flags: "-" };

/** What reached an upstream, and came back to its caller, of what proxies tell each other. */
const leaked = (...headers: Readonly<Record<string, unknown>>[]) =>
  headers.flatMap((some) => peerHeaders.filter((name) => some[name] !== undefined));

describe("from sidecar to sidecar", () => {
  test("both ends print the series that Istio prints", async () => {
    for (const path of ["/", "/", "/"]) await get(ports.sidecar, path);
    const client = await counted(webapp, {
      response_code: "200",
      request_protocol: "http",
      destination_app: "catalog",
    });
    expect(client).toEqual({
      ...{ reporter: "source", ...ofWebapp, source_version: "", ...toCatalog, ...answered, response_code: "200" },
      connection_security_policy: "unknown",
    });
    const server = await counted(catalog, { response_code: "200", source_workload: "webapp" });
    expect(server).toEqual({
      ...{ reporter: "destination", ...ofWebapp, source_version: "unknown", ...toCatalog, ...answered },
      ...{ response_code: "200", connection_security_policy: "none" },
    });
  });
});

describe("from sidecar to sidecar, beside the series", () => {
  test("the duration has Istio's buckets", async () => {
    await get(ports.sidecar, "/204");
    const series = await counted(webapp, { response_code: "204" });
    const bounds = await webapp.waitFor(async () => {
      const all = await samples(webapp, "istio_request_duration_milliseconds_bucket");
      const own = all.filter(({ labels: { le: _, ...labels } }) => isDeepStrictEqual(labels, series));
      return own.length > 0 && own.map(({ labels }) => labels["le"]);
    }, "the histogram, which Envoy shows when it has flushed it");
    expect(bounds).toEqual(expect.arrayContaining(["0.5", "1", "10000", "+Inf"]));
  });

  test("bytes are those of headers and bodies, as Envoy's access log has them", async () => {
    const before = webapp.output().length;
    await call({ host: "127.0.0.1", port: ports.sidecar, path: "/206", method: "POST", body: "x".repeat(3000) });
    const series = await counted(webapp, { response_code: "206" });
    const logged = await webapp.waitFor(
      () => /^size=(\d+)\+(\d+) (\d+)\+(\d+)$/m.exec(webapp.output(before)),
      "a line of the access log",
    );
    const [, requestHeaders, received, responseHeaders, sent] = logged.map(Number);
    expect([received, sent]).toEqual([3000, 2]);
    for (const [name, bytes] of [
      ["istio_request_bytes", Number(requestHeaders) + Number(received)],
      ["istio_response_bytes", Number(responseHeaders) + Number(sent)],
    ] as const) {
      const bounds = await webapp.waitFor(async () => {
        const all = await samples(webapp, `${name}_bucket`);
        const own = all.filter(({ labels: { le: _, ...labels } }) => isDeepStrictEqual(labels, series));
        return own.length > 0 && own.filter(({ value }) => value > 0).map(({ labels }) => labels["le"]);
      }, "the histogram, which Envoy shows when it has flushed it");
      const rounded = Math.trunc(bytes / 100) * 100; // Envoy's histograms keep two digits of a value
      expect(bounds[0]).toBe(String([100, 250, 500, 1000, 2500, 5000].find((bound) => bound >= rounded)));
    }
  });

  test("neither the application nor the caller sees what the proxies tell each other", async () => {
    const reply = await get(ports.sidecar, "/201", { "x-envoy-peer-metadata": "me", "x-envoy-peer-metadata-id": "me" });
    expect(reply.status).toBe(201);
    expect(leaked(reply.headers, ...app.seen.map(({ headers }) => headers))).toEqual([]);
    const { source_workload, destination_workload } = await counted(catalog, { response_code: "201" });
    expect({ source_workload, destination_workload }).toEqual({
      source_workload: "webapp",
      destination_workload: "catalog-v1",
    });
  });

  test("gRPC is told apart, with the status of its trailers", async () => {
    expect((await grpcCall(ports.grpc))["grpc-status"]).toBe("5");
    for (const of of [webapp, catalog]) {
      const labels = await counted(of, { request_protocol: "grpc" });
      expect(labels).toMatchObject({ response_code: "200", grpc_response_status: "5", response_flags: "-" });
    }
  });

  test("gRPC messages are counted, with the labels of the peers", async () => {
    await grpcCall(ports.grpc);
    for (const of of [webapp, catalog]) {
      const messages = await of.waitFor(async () => {
        const all = await samples(of, "istio_requests_total");
        const calls = all.find(({ labels }) => labels["request_protocol"] === "grpc");
        const [requests, responses] = await Promise.all(
          ["request", "response"].map((side) => samples(of, `istio_${side}_messages_total`)),
        );
        return calls && requests?.[0] && responses?.[0] && { calls, found: [...requests, ...responses] };
      }, "messages");
      const { calls, found } = messages;
      const { request_protocol, response_code, grpc_response_status, response_flags, ...rest } = calls.labels;
      const { connection_security_policy, ...labels } = rest;
      expect(found).toEqual([
        { labels, value: calls.value },
        { labels, value: calls.value },
      ]);
    }
  });

  test.each`
    what                | listener  | code     | flags
    ${"nobody listens"} | ${"dead"} | ${"503"} | ${"URX,UF"}
    ${"nobody answers"} | ${"mute"} | ${"504"} | ${"URX,UT"}
  `("$what: flags as Envoy's access log has them, and the destination by its endpoint", async (row) => {
    expect((await get(row.listener === "dead" ? ports.dead : ports.mute)).status).toBe(Number(row.code));
    const labels = await counted(webapp, { response_code: row.code });
    const line = new RegExp(`^${row.listener}=(.*)$`, "m");
    const logged = await webapp.waitFor(() => line.exec(webapp.output())?.[1], "a line of the access log");
    expect(logged).toBe(row.flags);
    expect(labels).toEqual({
      ...{ reporter: "source", ...ofWebapp, source_version: "", ...toCatalog, ...answered, response_code: row.code },
      ...{ destination_app: "unknown", destination_version: "unknown", connection_security_policy: "unknown" },
      response_flags: logged,
    });
  });
});

describe("at the mesh's edge", () => {
  test("a gateway lets nothing in of what callers claim, and tells them nothing", async () => {
    const forged = { "x-envoy-peer-metadata": "bWU=", "x-envoy-peer-metadata-id": "sidecar~1.1.1.1~me.shop~x" };
    const reply = await get(ports.gateway, "/202", forged);
    expect(leaked(reply.headers, ...app.seen.map(({ headers }) => headers))).toEqual([]);
    const labels = await counted(gateway, { response_code: "202" });
    expect(labels).toMatchObject({ reporter: "source", source_workload: "istio-ingressgateway", ...toCatalog });
    const atServer = await counted(catalog, { response_code: "202" });
    expect(atServer).toMatchObject({ reporter: "destination", source_workload: "istio-ingressgateway" });
  });

  test("a caller without a proxy is unknown, and is told nothing", async () => {
    const reply = await get(ports.inbound, "/203");
    expect(leaked(reply.headers)).toEqual([]);
    const labels = await counted(catalog, { response_code: "203" });
    expect(labels).toEqual({
      ...{ reporter: "destination", ...toCatalog, ...answered, response_code: "203" },
      ...{ source_workload: "unknown", source_canonical_service: "unknown", source_canonical_revision: "latest" },
      ...{ source_workload_namespace: "unknown", source_principal: "unknown", source_app: "unknown" },
      ...{ source_version: "unknown", source_cluster: "unknown", connection_security_policy: "none" },
    });
  });

  test("a request that another filter sends out of the mesh takes nothing with it", async () => {
    const port = await freePort();
    const inMesh = { direction: "OUTBOUND", port, upstreamPorts: [app.port], clusterMetadata: catalogCluster } as const;
    const out = { direction: "OUTBOUND", port: await freePort(), upstreamPorts: [world.port] } as const;
    const plugins = [{ name: "telemetry", module }];
    const config = filterBootstrap([
      { ...inMesh, plugins },
      { ...out, plugins, clusterMetadata: externalCluster },
    ]);
    const rerouting = await startEnvoy(rerouted(config));
    started.push(rerouting);
    await rerouting.live();
    const before = world.seen.length;
    const reply = await get(port);
    expect(world.seen).toHaveLength(before + 1);
    expect(leaked(reply.headers, ...world.seen.map(({ headers }) => headers))).toEqual([]);
  });

  test("an external service is told nothing, and not believed", async () => {
    const claimed = { "x-envoy-peer-metadata": "bWU=", "x-envoy-peer-metadata-id": "me" };
    const reply = await get(ports.external, "/", claimed);
    expect(leaked(reply.headers, ...world.seen.map(({ headers }) => headers))).toEqual([]);
    const labels = await counted(webapp, { destination_service: "example.com" });
    expect(labels).toMatchObject({ destination_workload: "unknown", destination_service_namespace: "shop" });
  });
});
