import { describe, expect, test } from "vitest";
import type { Mesh, MeshService } from "./mesh.ts";
import type { Kind, MeshObject, Specs } from "./object.ts";
import type { Proxy } from "./proxy.ts";
import { gatewaysFor, servicesServedBy, servicesVisibleTo, sidecarFor } from "./select.ts";
import { pluginsFor } from "./select-plugins.ts";
import { hostsOnServer, virtualServicesFor, virtualServicesForGateway } from "./select-routes.ts";
import { destinationRuleFor } from "./select-rules.ts";
import type { WasmPlugin } from "./wasm-plugin.ts";

function make<K extends Kind>(kind: K, key: string, spec: Specs[K]): MeshObject<K> {
  const [namespace = "", name = ""] = key.split("/");
  return { kind, meta: { namespace, name, labels: {}, annotations: {} }, spec };
}

function service(host: string, namespace: string, more: Partial<MeshService> = {}): MeshService {
  return {
    host,
    ref: { kind: "Service", namespace, name: host.split(".")[0] ?? "" },
    ports: [80, 81].map((number) => ({ name: `http-${number}`, number, protocol: "HTTP", targetPort: 8080 })),
    addresses: [],
    resolution: "STATIC",
    external: false,
    exportTo: [],
    endpoints: [],
    ...more,
  };
}

function mesh(parts: Partial<Omit<Mesh, "services">> & { services?: readonly MeshService[] }): Mesh {
  return {
    generation: 1,
    settings: { domain: "cluster.local", rootNamespace: "istio-system", clusterId: "Kubernetes" },
    virtualServices: [],
    destinationRules: [],
    gateways: [],
    sidecars: [],
    plugins: [],
    ...parts,
    services: new Map((parts.services ?? []).map((one) => [one.host, one])),
  };
}

const web: Proxy = {
  id: "sidecar~10.0.0.7~web-1.shop~shop.svc.cluster.local",
  type: "sidecar",
  ip: "10.0.0.7",
  name: "web-1",
  namespace: "shop",
  labels: { app: "web", version: "v1" },
  serviceAccount: "web",
  workload: "web",
  interception: "NONE",
  version: "1.40.0",
};
const gateway: Proxy = { ...web, type: "router", namespace: "istio-system", labels: { istio: "ingressgateway" } };

describe("plugins", () => {
  const plugin = (key: string, spec: Partial<WasmPlugin> = {}) => ({
    object: make("WasmPlugin", key, {
      url: "builtin://deadline",
      phase: "UNSPECIFIED_PHASE",
      pluginName: "",
      failStrategy: "FAIL_CLOSE",
      env: {},
      match: [],
      ...spec,
    }),
  });
  const names = (plugins: ReturnType<typeof plugin>[], proxy = web, direction: "inbound" | "outbound" = "outbound") =>
    pluginsFor(mesh({ plugins }), proxy, direction).map(({ plugin: { object }, ports }) =>
      ports === "all" ? object.meta.name : `${object.meta.name}:${ports.join()}`,
    );

  test("of the proxy's namespace and the root namespace, where the selector fits", () => {
    expect(
      names([
        plugin("shop/mine"),
        plugin("other/foreign"),
        plugin("istio-system/everywhere"),
        plugin("shop/for-web", { selector: { app: "web" } }),
        plugin("shop/for-cart", { selector: { app: "cart" } }),
        plugin("istio-system/for-v1", { selector: { version: "v1" } }),
      ]),
    ).toEqual(["mine", "for-web", "everywhere", "for-v1"]);
  });

  test("by phase, then priority, and an unset priority runs after a negative one", () => {
    expect(
      names([
        plugin("shop/unset"),
        plugin("shop/minus", { priority: -5 }),
        plugin("shop/ten", { priority: 10 }),
        plugin("shop/stats", { phase: "STATS" }),
        plugin("shop/authz", { phase: "AUTHZ", priority: -9 }),
        plugin("shop/authn", { phase: "AUTHN" }),
      ]),
    ).toEqual(["authn", "authz", "stats", "ten", "minus", "unset"]);
  });

  test("match chooses direction and ports; one selector without ports means all of them", () => {
    const client = plugin("shop/client", { match: [{ mode: "CLIENT", ports: [81, 80] }] });
    const server = plugin("shop/server", { match: [{ mode: "SERVER", ports: [] }] });
    const both = plugin("shop/both", {
      match: [
        { mode: "CLIENT_AND_SERVER", ports: [80] },
        { mode: "CLIENT", ports: [] },
      ],
    });
    expect(names([client, server, both], web, "outbound")).toEqual(["client:80,81", "both"]);
    expect(names([client, server, both], web, "inbound")).toEqual(["server", "both:80"]);
  });

  test("a gateway's traffic is outbound", () => {
    const plugins = [
      plugin("istio-system/server", { match: [{ mode: "SERVER", ports: [] }] }),
      plugin("istio-system/any"),
    ];
    expect(names(plugins, gateway, "outbound")).toEqual(["any"]);
    expect(names(plugins, gateway, "inbound")).toEqual([]);
  });
});

describe("sidecars and gateways", () => {
  test("a fitting workloadSelector beats the namespace's Sidecar, which beats the root namespace's", () => {
    const selecting = make("Sidecar", "shop/web", { workloadSelector: { app: "web" } });
    const foreign = make("Sidecar", "shop/cart", { workloadSelector: { app: "cart" } });
    const wide = make("Sidecar", "shop/wide", {});
    const rootSelecting = make("Sidecar", "istio-system/selecting", { workloadSelector: { app: "web" } });
    const root = make("Sidecar", "istio-system/root", {});
    const chosen = (...sidecars: MeshObject<"Sidecar">[]) => sidecarFor(mesh({ sidecars }), web)?.meta.name;
    expect(chosen(rootSelecting, root, wide, foreign, selecting)).toBe("web");
    expect(chosen(rootSelecting, root, foreign, wide)).toBe("wide");
    expect(chosen(rootSelecting, root, foreign)).toBe("root");
    expect(chosen(rootSelecting)).toBeUndefined();
    expect(sidecarFor(mesh({ sidecars: [root] }), gateway)).toBeUndefined();
  });

  test("a gateway proxy takes the Gateways whose selector fits, of any namespace", () => {
    const mine = make("Gateway", "shop/mine", { selector: { istio: "ingressgateway" }, servers: [] });
    const other = make("Gateway", "shop/other", { selector: { istio: "egress" }, servers: [] });
    const found = mesh({ gateways: [mine, other] });
    expect(gatewaysFor(found, gateway)).toEqual([mine]);
    expect(gatewaysFor(found, { ...web, labels: gateway.labels })).toEqual([]);
  });
});

describe("services", () => {
  const catalog = service("catalog.shop.svc.cluster.local", "shop");
  const secret = service("secret.vault.svc.cluster.local", "vault", { exportTo: ["vault"] });
  const shared = service("shared.vault.svc.cluster.local", "vault", { exportTo: ["shop"] });
  const open = service("open.vault.svc.cluster.local", "vault");
  const services = [catalog, secret, shared, open];
  const hosts = (found: readonly MeshService[]) => found.map(({ host }) => host.split(".")[0]);
  const egress = (...patterns: string[]) => ({ captureMode: "DEFAULT" as const, hosts: patterns });

  test("without a Sidecar: all that are exported to the namespace", () => {
    expect(hosts(servicesVisibleTo(mesh({ services }), web))).toEqual(["catalog", "open", "shared"]);
  });

  test.each`
    patterns                                          | seen
    ${["./*"]}                                        | ${["catalog"]}
    ${["vault/*"]}                                    | ${["open", "shared"]}
    ${["*/*"]}                                        | ${["catalog", "open", "shared"]}
    ${["*/*.vault.svc.cluster.local"]}                | ${["open", "shared"]}
    ${["~/*"]}                                        | ${[]}
    ${["*/*", "~vault/open.vault.svc.cluster.local"]} | ${["catalog", "shared"]}
  `("a Sidecar with egress hosts $patterns sees $seen", ({ patterns, seen }) => {
    const sidecars = [make("Sidecar", "shop/s", { egress: [egress(...patterns)] })];
    expect(hosts(servicesVisibleTo(mesh({ services, sidecars }), web))).toEqual(seen);
  });

  test("a listener with a port brings only this port, an HTTP proxy all; listeners add up", () => {
    const port = (number: number, protocol: "HTTP" | "HTTP_PROXY") => ({ number, protocol, name: "p" });
    const one = { ...egress("./*"), port: port(80, "HTTP") };
    const two = { ...egress("./*"), port: port(81, "HTTP") };
    const proxy = { ...egress("./*"), port: port(15007, "HTTP_PROXY") };
    const sidecars = [make("Sidecar", "shop/s", { egress: [one, two] })];
    const found = mesh({ services, sidecars });
    const ports = (seen: readonly MeshService[]) => seen[0]?.ports.map(({ number }) => number);
    expect(ports(servicesVisibleTo(found, web, one))).toEqual([80]);
    expect(ports(servicesVisibleTo(found, web, proxy))).toEqual([80, 81]);
    expect(ports(servicesVisibleTo(found, web))).toEqual([80, 81]);
  });

  test("what an imported VirtualService leads to is visible though no pattern names it", () => {
    const sidecars = [make("Sidecar", "shop/s", { egress: [egress("./*")] })];
    const routed = virtualService("shop/v", { hosts: ["catalog"], to: "open.vault.svc.cluster.local" });
    expect(hosts(servicesVisibleTo(mesh({ services, sidecars, virtualServices: [routed] }), web))).toEqual([
      "catalog",
      "open",
    ]);
  });

  test("served by the proxy: endpoints with its address, namespace and labels", () => {
    const endpoint = { ports: new Map(), serviceAccount: "", workload: "web", weight: 1, ready: true };
    const own = { ...endpoint, address: web.ip, namespace: "shop", labels: { app: "web" } };
    const neighbour = { ...own, labels: { app: "cart" } };
    const found = mesh({
      services: [
        { ...catalog, endpoints: [neighbour, own] },
        { ...open, endpoints: [neighbour] },
      ],
    });
    expect(servicesServedBy(found, web).map(({ service: { host }, endpoint: { labels } }) => [host, labels])).toEqual([
      [catalog.host, { app: "web" }],
    ]);
  });
});

function virtualService(
  key: string,
  {
    hosts,
    to,
    gateways = ["mesh"],
    exportTo = [],
  }: { hosts: string[]; to?: string; gateways?: string[]; exportTo?: string[] },
): MeshObject<"VirtualService"> {
  const route = to === undefined ? [] : [{ destination: { host: to }, weight: 100 }];
  const match = { match: [], route };
  return make("VirtualService", key, { hosts, gateways, exportTo, http: [match] });
}

describe("virtual services", () => {
  test("a sidecar sees those of gateway mesh, private before exported by name before public", () => {
    const virtualServices = [
      virtualService("other/public", { hosts: ["x"] }),
      virtualService("other/named", { hosts: ["catalog.shop.svc.cluster.local"], exportTo: ["shop"] }),
      virtualService("shop/private", { hosts: ["catalog"], exportTo: ["."] }),
      virtualService("other/hidden", { hosts: ["x"], exportTo: ["."] }),
      virtualService("shop/edge", { hosts: ["catalog"], gateways: ["edge"] }),
    ];
    expect(
      virtualServicesFor(mesh({ virtualServices }), web).map(({ object, hosts }) => [object.meta.name, ...hosts]),
    ).toEqual([
      ["private", "catalog.shop.svc.cluster.local"],
      ["named", "catalog.shop.svc.cluster.local"],
      ["public", "x.other.svc.cluster.local"],
    ]);
  });

  test("a gateway takes those that name it, short or with namespace, and the narrower of the hosts", () => {
    const edge = make("Gateway", "shop/edge", {
      selector: {},
      servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["./*.shop.io", "far/*"] }],
    });
    const virtualServices = [
      virtualService("shop/short", { hosts: ["a.shop.io", "elsewhere.io"], gateways: ["edge"] }),
      virtualService("far/long", { hosts: ["*"], gateways: ["shop/edge"] }),
      virtualService("far/short", { hosts: ["*"], gateways: ["edge"] }),
      virtualService("near/refused", { hosts: ["a.shop.io"], gateways: ["shop/edge"] }),
      virtualService("shop/mesh", { hosts: ["a.shop.io"] }),
    ];
    const [server] = edge.spec.servers;
    if (!server) throw new Error("a server is above");
    expect(
      virtualServicesForGateway(mesh({ virtualServices }), gateway, edge).map((bound) => [
        `${bound.object.meta.namespace}/${bound.object.meta.name}`,
        hostsOnServer(server, edge, bound),
      ]),
    ).toEqual([
      ["shop/short", ["a.shop.io"]],
      ["far/long", ["*"]],
      ["near/refused", []],
    ]);
  });
});

describe("destination rules", () => {
  const catalog = service("catalog.shop.svc.cluster.local", "shop");
  const rule = (key: string, host: string, lb?: "RANDOM" | "ROUND_ROBIN" | "LEAST_REQUEST", more = {}) =>
    make("DestinationRule", key, {
      host,
      trafficPolicy: lb ? { loadBalancer: lb } : {},
      subsets: [{ name: lb ?? "none", labels: {}, trafficPolicy: {} }],
      exportTo: [],
      ...more,
    });
  const client: Proxy = { ...web, namespace: "front" };
  const found = (...destinationRules: MeshObject<"DestinationRule">[]) => {
    const bound = destinationRuleFor(mesh({ destinationRules }), client, catalog);
    return bound && [bound.spec.trafficPolicy.loadBalancer, ...bound.from.map(({ name }) => name)];
  };

  test("the client's namespace comes before the service's, and that before the root namespace", () => {
    const near = rule("front/near", catalog.host, "RANDOM");
    const there = rule("shop/there", "catalog", "ROUND_ROBIN");
    const root = rule("istio-system/root", "*.local", "LEAST_REQUEST");
    expect(found(root, there, near)).toEqual(["RANDOM", "near"]);
    expect(found(root, there)).toEqual(["ROUND_ROBIN", "there"]);
    expect(found(root)).toEqual(["LEAST_REQUEST", "root"]);
    expect(found(rule("stranger/x", catalog.host, "RANDOM"))).toBeUndefined();
    expect(found(rule("shop/private", "catalog", "RANDOM", { exportTo: ["."] }))).toBeUndefined();
  });

  test("the most specific host decides, and rules for the same host are merged", () => {
    expect(
      found(
        rule("shop/wide", "*", "RANDOM"),
        rule("shop/narrow", "*.shop.svc.cluster.local", "ROUND_ROBIN"),
        rule("shop/exact", "catalog"),
        rule("shop/exact-too", catalog.host, "LEAST_REQUEST"),
      ),
    ).toEqual(["LEAST_REQUEST", "exact", "exact-too"]);
  });

  test("a workloadSelector is of the client's namespace, and a fitting one comes first", () => {
    const fitting = rule("front/fitting", catalog.host, "RANDOM", { workloadSelector: { app: "web" } });
    const missing = rule("front/missing", catalog.host, "ROUND_ROBIN", { workloadSelector: { app: "cart" } });
    const foreign = rule("shop/foreign", "catalog", "ROUND_ROBIN", { workloadSelector: { app: "web" } });
    const plain = rule("front/plain", catalog.host, "LEAST_REQUEST");
    expect(found(missing, foreign, plain, fitting)).toEqual(["RANDOM", "fitting", "plain"]);
    expect(found(missing, foreign)).toBeUndefined();
  });
});
