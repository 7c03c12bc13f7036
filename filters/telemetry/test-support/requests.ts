// Short ways to write down proxies, requests and what they leave in the metrics.
import { expect } from "vitest";
import { Host, type StreamOptions, type Upstream } from "../../../sdk/host/index.ts";
import { filterModule } from "../../../test/support/filter-module.ts";
import { type Labels, tagged } from "./labels.ts";
import { header } from "./peer-metadata.ts";

/** Compiled once a test file. */
export const module = await filterModule("telemetry");

export type HostOptions = NonNullable<Parameters<typeof Host.load>[1]>;

export const version = { "service.istio.io/canonical-name": "web", "service.istio.io/canonical-revision": "latest" };
export const metadata = {
  ...{ NAME: "web-1", NAMESPACE: "shop", WORKLOAD_NAME: "web", CLUSTER_ID: "Kubernetes" },
  ...{ LABELS: { app: "web", ...version }, SERVICE_ACCOUNT: "web" },
  OWNER: "kubernetes://apis/apps/v1/namespaces/shop/deployments/web",
};
export const node = { id: "sidecar~10.0.0.1~web-1.shop~shop.svc.cluster.local", metadata };
export const router = { ...node, id: "router~10.0.0.1~web-1.shop~shop.svc.cluster.local" };
export const inbound = { listener: { direction: "inbound" } } as const;

export const load = (options: Partial<HostOptions> = {}) =>
  Host.load(module, { node, upstream: true, listener: { direction: "outbound" }, ...options });

export const catalog = header({
  ...{ NAMESPACE: "store", WORKLOAD_NAME: "catalog-v1", CLUSTER_ID: "east" },
  LABELS: { app: "catalog", version: "v1", "service.istio.io/canonical-name": "items" },
});
export const ofCatalog = (end: "source" | "destination") => ({
  [`${end}_workload`]: "catalog-v1",
  [`${end}_workload_namespace`]: "store",
  [`${end}_canonical_service`]: "items",
  [`${end}_canonical_revision`]: "latest",
  [`${end}_app`]: "catalog",
  [`${end}_version`]: "v1",
  [`${end}_cluster`]: "east",
});
export const unknown = (end: "source" | "destination") => ({
  ...Object.fromEntries(Object.keys(ofCatalog(end)).map((label) => [label, "unknown"])),
  [`${end}_canonical_revision`]: "latest",
});
export const own = (end: "source" | "destination") => ({
  [`${end}_workload`]: "web",
  [`${end}_workload_namespace`]: "shop",
  [`${end}_canonical_service`]: "web",
  [`${end}_canonical_revision`]: "latest",
  [`${end}_app`]: "web",
  [`${end}_version`]: "",
  [`${end}_cluster`]: "Kubernetes",
});

export const service = { host: "catalog.shop.svc.cluster.local", name: "catalog", namespace: "shop" };
export const cluster = {
  name: "outbound|80||catalog.shop.svc.cluster.local",
  metadata: { istio: { default_original_port: 80, services: [service] } },
  endpoints: [{ address: "10.0.0.7:8080", metadata: { istio: { workload: "catalog-v2;store;things;v2;west" } } }],
};
export const toService = {
  destination_service: service.host,
  destination_service_name: service.name,
  destination_service_namespace: service.namespace,
};
export const answered = {
  request_protocol: "http",
  response_code: "200",
  grpc_response_status: "",
  response_flags: "-",
};

/** A connection to the upstream without TLS. */
export const plain = { "upstream.uri_san_peer_certificate": "", "upstream.uri_san_local_certificate": "" };

/** What Envoy's grpc_stats has counted. */
export const counted = (requests: number, responses: number) => ({
  "filter_state.envoy.filters.http.grpc_stats": `${requests},${responses}`,
});

/** The labels in a metric's name. */
export function labelsIn(name: string): Labels {
  return tagged(name).labels;
}

/** The counts of requests, or of another metric, by its whole name. */
export function countsOf(host: Host, metric = "istio_requests_total"): ReadonlyMap<string, number> {
  const names = host.metrics.names.filter((name) => name.endsWith(metric));
  return new Map(names.map((name) => [name, host.metrics.counter(name) ?? 0]));
}

/** The name of the metric of requests that an action, one request, has raised. */
export function raisedBy(host: Host, action: () => void): string {
  const before = countsOf(host);
  action();
  const raised = [...countsOf(host)].filter(([name, count]) => before.get(name) !== count);
  expect(raised).toHaveLength(1);
  return raised[0]?.[0] ?? "";
}

/** The labels of all series, with their counts. */
export function series(host: Host): (readonly [labels: Labels, requests: number])[] {
  return [...countsOf(host)].map(([name, count]) => [labelsIn(name), count]);
}

/** The labels of the only series. */
export function only(host: Host): Labels {
  const all = series(host);
  expect(all).toHaveLength(1);
  return all[0]?.[0] ?? {};
}

export interface Fetched {
  readonly request?: Parameters<Host["fetch"]>[0];
  readonly upstream?: Upstream;
  readonly options?: StreamOptions;
}

/** One request; what it left in the metrics. */
export function labelsOf(
  host: Host,
  { request = {}, upstream = () => ({ status: 200 }), options = {} }: Fetched,
): Labels {
  host.fetch(request, upstream, { cluster, ...options, properties: { ...plain, ...options.properties } });
  return only(host);
}

export const saying = (said: string): Upstream => {
  return () => ({
    status: 200,
    headers: { "x-envoy-peer-metadata": said, "x-envoy-peer-metadata-id": "catalog-v1-1" },
  });
};

/** The only call of the host in a worker's last tick. */
export const noMoreTicks = { name: "proxy_set_tick_period_milliseconds", args: [0], status: 0 };
