import type { JsonObject } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import type { Mesh } from "../model/mesh.ts";
import { problemText } from "../model/problem.ts";
import type { Proxy } from "../model/proxy.ts";
import { typeUrls, type XdsType } from "../model/resource.ts";
import type { MetricName, Telemetry, WorkloadMode } from "../model/telemetry.ts";
import type { HttpRoute } from "../model/virtual-service.ts";
import { deny } from "./deny.ts";
import { json } from "./test-support/json.ts";
import * as model from "./test-support/model.ts";
import { translate } from "./translate.ts";

const catalog = model.service("catalog", {
  endpoints: [
    model.endpoint("10.0.0.1", { app: "catalog", version: "v1" }),
    model.endpoint("10.0.0.2", { app: "catalog", version: "v2" }),
  ],
});
const sidecars = [model.object("Sidecar", "ports", model.explicitPorts)];

function resource(mesh: Mesh, type: XdsType, name: string, proxy: Proxy = model.proxy()): JsonObject {
  const found = translate(mesh, proxy).resources[type].get(name);
  if (!found) throw new Error(`no ${type} ${name}`);
  return json(found);
}

/** Names of the routes that a proxy has for `http://catalog.shop/`. */
function routeNames(http: readonly HttpRoute[], proxy?: Proxy): unknown[] {
  const virtualServices = [model.object("VirtualService", "catalog", model.virtualService(["catalog"], http))];
  const config = resource(model.mesh({ services: [catalog], sidecars, virtualServices }), "RDS", "http_proxy", proxy);
  const hosts = config["virtual_hosts"] as JsonObject[];
  const host = hosts.find(({ domains }) => (domains as string[]).includes("catalog.shop"));
  return ((host?.["routes"] ?? []) as JsonObject[]).map(({ name }) => name);
}

describe("which routes a proxy has", () => {
  test.each`
    match                                        | proxy                       | names
    ${[]}                                        | ${{}}                       | ${["first"]}
    ${[{ port: 80 }]}                            | ${{}}                       | ${["first", "second"]}
    ${[{ port: 8080 }]}                          | ${{}}                       | ${["second"]}
    ${[{ sourceLabels: { app: "web" } }]}        | ${{}}                       | ${["first", "second"]}
    ${[{ sourceLabels: { app: "web" } }]}        | ${{ labels: { app: "x" } }} | ${["second"]}
    ${[{ sourceNamespace: "shop" }]}             | ${{}}                       | ${["first", "second"]}
    ${[{ sourceNamespace: "bank" }]}             | ${{}}                       | ${["second"]}
    ${[{ gateways: ["mesh"] }]}                  | ${{}}                       | ${["first", "second"]}
    ${[{ gateways: ["edge"] }]}                  | ${{}}                       | ${["second"]}
    ${[{ port: 8080 }, { name: "b", port: 80 }]} | ${{}}                       | ${["first.b", "second"]}
    ${[{ uri: { prefix: "/" } }, { port: 80 }]}  | ${{}}                       | ${["first"]}
  `("match $match, proxy $proxy: $names", ({ match, proxy, names }) => {
    // a match on nothing but place takes every request too: a header keeps the second route within reach
    const where = match.map((one: object) =>
      model.match({ ...("uri" in one ? {} : { headers: { "x-a": "present" } }), ...one }),
    );
    const http = [model.route("catalog", { name: "first", match: where }), model.route("catalog", { name: "second" })];
    expect(routeNames(http, model.proxy(proxy))).toEqual(names);
  });

  test("none of the VirtualService's: the default", () => {
    expect(routeNames([model.route("catalog", { match: [model.match({ port: 8080 })] })])).toEqual(["default"]);
  });
});

test("a name that a VirtualService gives in full counts before a service's short name", () => {
  const cart = model.service("cart", { host: "cart.bank.svc.cluster.local" });
  const named = model.object("VirtualService", "cart", model.virtualService(["cart.bank"], [model.route("catalog")]));
  const mesh = model.mesh({ services: [cart, catalog], sidecars, virtualServices: [named] });
  const hosts = resource(mesh, "RDS", "http_proxy")["virtual_hosts"] as JsonObject[];
  const having = hosts.filter(({ domains }) => (domains as string[]).includes("cart.bank"));
  expect(having.map(({ name }) => name)).toEqual(["cart.bank:80"]);
});

test("on a gateway, routes that take every request go behind those of all VirtualServices", () => {
  const labels = { istio: "ingressgateway" };
  const port = { number: 80, name: "http", protocol: "HTTP" } as const;
  const api = [model.match({ uri: { prefix: "/api" } })];
  const mesh = model.mesh({
    services: [catalog],
    gateways: [model.object("Gateway", "edge", { selector: labels, servers: [{ port, hosts: ["*"] }] })],
    virtualServices: [
      model.object(
        "VirtualService",
        "a",
        model.virtualService(["*"], [model.route("catalog", { name: "all" })], ["edge"]),
      ),
      model.object(
        "VirtualService",
        "b",
        model.virtualService(["*"], [model.route("catalog", { name: "api", match: api })], ["edge"]),
      ),
    ],
  });
  const [host] = resource(mesh, "RDS", "http.80", model.proxy({ type: "router", labels }))[
    "virtual_hosts"
  ] as JsonObject[];
  expect(host?.["routes"]).toMatchObject([{ name: "api" }, { name: "all" }]);
});

describe("one state, many proxies and generations", () => {
  const parts = { services: [catalog], sidecars, plugins: [model.plugin("hello")] };

  test("what does not depend on the proxy is the same object", () => {
    const mesh = model.mesh(parts);
    const [a, b] = [translate(mesh, model.proxy()), translate(mesh, model.proxy({ ip: "127.0.18.9", id: "b" }))];
    for (const [type, name] of [
      ["CDS", "outbound|80||catalog.shop.svc.cluster.local"],
      ["EDS", "outbound|80||catalog.shop.svc.cluster.local"],
      ["ECDS", "outbound/unspecified"],
    ] as const) {
      expect(a.resources[type].get(name)).toBe(b.resources[type].get(name));
      expect(a.resources[type].get(name)).toBeDefined();
    }
  });

  test("proxies that see and serve the same share everything but their slots' maps", () => {
    const labels = { app: "catalog" };
    const serving = model.service("catalog", {
      addresses: ["10.96.0.1"],
      endpoints: ["10.0.0.1", "10.0.0.2"].map((ip) => model.endpoint(ip, labels)),
    });
    const mesh = model.mesh({ services: [serving] });
    const [a, b] = ["10.0.0.1", "10.0.0.2"].map(
      (ip) => translate(mesh, model.proxy({ ip, id: ip, labels, interception: "REDIRECT" })).resources,
    );
    const types = ["CDS", "LDS", "RDS", "EDS", "ECDS"] as const;
    for (const type of types) for (const [name, one] of a?.[type] ?? []) expect(b?.[type].get(name), name).toBe(one);
    expect([...(a?.LDS.keys() ?? [])].toSorted()).toEqual(["0.0.0.0_80", "virtualInbound", "virtualOutbound"]);
  });

  test("what chooses proxies by labels makes views of its own", () => {
    const rule = model.object("DestinationRule", "r", {
      host: "catalog",
      trafficPolicy: { loadBalancer: "RANDOM" },
      subsets: [],
      exportTo: [],
      workloadSelector: { app: "chosen" },
    });
    const mesh = model.mesh({ services: [catalog], destinationRules: [rule] });
    const lb = (app: string) =>
      resource(mesh, "CDS", "outbound|80||catalog.shop.svc.cluster.local", model.proxy({ labels: { app } }))[
        "lb_policy"
      ];
    expect(["chosen", "other", "chosen"].map(lb)).toEqual(["RANDOM", "LEAST_REQUEST", "RANDOM"]);
  });

  test("the same content has the same versions in another generation", () => {
    const versions = (mesh: Mesh) =>
      (Object.keys(typeUrls) as XdsType[]).flatMap((type) =>
        [...translate(mesh, model.proxy()).resources[type].values()].map(
          ({ name, version }) => `${type} ${name} ${version}`,
        ),
      );
    const before = versions(model.mesh(parts));
    const shuffled = { ...catalog, endpoints: catalog.endpoints.toReversed() };
    expect(versions(model.mesh({ ...parts, generation: 2, services: [shuffled] }))).toEqual(before);
  });

  test.each`
    type         | interception
    ${"sidecar"} | ${"REDIRECT"}
    ${"sidecar"} | ${"NONE"}
    ${"router"}  | ${"REDIRECT"}
  `("on a $type ($interception), an endpoint that changes makes nothing anew but its own cluster", (parts) => {
    const labels = { istio: "ingressgateway" };
    const server = { port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] } as const;
    const before = model.mesh({
      services: [
        { ...catalog, addresses: ["10.96.0.1"] },
        model.service("other"),
        model.service("tcp", { protocol: "TCP", addresses: ["10.96.0.2"] }),
      ],
      sidecars: parts.interception === "NONE" ? sidecars : [],
      gateways: [model.object("Gateway", "edge", { selector: labels, servers: [server] })],
      virtualServices: [
        model.object(
          "VirtualService",
          "v",
          model.virtualService(["catalog"], [model.route("other")], ["mesh", "edge"]),
        ),
      ],
      plugins: [model.plugin("hello")],
      telemetry: model.module(),
    });
    const changed = catalog.endpoints.map((one, i) => (i === 0 ? { ...one, ready: false } : one));
    const after = { ...before, generation: 2, endpoints: new Map(before.endpoints).set(catalog.host, changed) };
    const proxy = model.proxy({ ...parts, labels });
    const [old, now] = [before, after].map((mesh) => translate(mesh, proxy).resources);
    const anew = Object.values(now ?? {}).flatMap((all) =>
      [...all.values()].flatMap((one) => (old?.[one.type].get(one.name) === one ? [] : `${one.type} ${one.name}`)),
    );
    const cluster = "outbound|80||catalog.shop.svc.cluster.local";
    expect(anew.toSorted()).toEqual([`CDS ${cluster}`, `EDS ${cluster}`]);
    expect(now?.RDS.size).toBeGreaterThan(0);
  });

  test("routes, endpoints, plugins and limits change no listener", () => {
    const listeners = (mesh: Mesh) =>
      [...translate(mesh, model.proxy()).resources.LDS.values()].map(({ name, version }) => `${name} ${version}`);
    const changed = model.mesh({
      services: [catalog, model.service("other")],
      sidecars,
      virtualServices: [
        model.object(
          "VirtualService",
          "v",
          model.virtualService(["catalog"], [model.route("other", { timeoutMs: 1 })]),
        ),
      ],
      plugins: [
        model.plugin("a", { phase: "AUTHN" }),
        model.plugin("b", { module: model.module({ attach: ["upstream"] }) }),
      ],
    });
    expect(listeners(changed)).toEqual(listeners(model.mesh(parts)));
  });
});

test("from PERMISSIVE to STRICT, what speaks mutual TLS keeps its chain", () => {
  const labels = { app: "catalog", "security.istio.io/tlsMode": "istio" };
  const services = [model.service("catalog", { endpoints: [model.endpoint("127.0.18.2", labels)] })];
  const listener = (mode: "PERMISSIVE" | "STRICT") => {
    const policy = model.object("PeerAuthentication", "all", { mode, portLevelMtls: new Map() });
    const mesh = model.mesh({ services, peerAuthentications: [policy] });
    const { filter_chains, ...rest } = resource(
      mesh,
      "LDS",
      "virtualInbound",
      model.proxy({ labels, interception: "REDIRECT" }),
    );
    const chains = (filter_chains as JsonObject[]).map((chain) => JSON.stringify(chain));
    return { rest, ofMesh: chains.filter((chain) => chain.includes('"application_protocols":["istio"]')) };
  };
  expect(listener("STRICT")).toEqual(listener("PERMISSIVE"));
  expect(listener("STRICT").ofMesh).toHaveLength(2);
});

test.each<[mode: "PERMISSIVE" | "STRICT", plain: number, mutual: number]>([
  ["PERMISSIVE", 2, 0],
  ["STRICT", 0, 4],
])(
  "a workload without the label of mutual TLS, under %s: %i chains of plain text, %i of mutual TLS",
  (mode, plain, mutual) => {
    const labels = { app: "catalog" };
    const mesh = model.mesh({
      services: [model.service("catalog", { endpoints: [model.endpoint("127.0.18.2", labels)] })],
      peerAuthentications: [model.object("PeerAuthentication", "all", { mode, portLevelMtls: new Map() })],
    });
    const proxy = model.proxy({ labels, interception: "REDIRECT" });
    const { filter_chains } = resource(mesh, "LDS", "virtualInbound", proxy);
    const chains = (filter_chains as JsonObject[]).filter(({ name }) => name !== "virtualInbound-blackhole");
    const secured = chains.filter((chain) => "transport_socket" in chain);
    expect([chains.length - secured.length, secured.length]).toEqual([plain, mutual]);
  },
);

describe("slots", () => {
  const all = ["authn", "authz", "stats", "unspecified", "upstream"];

  test.each`
    type         | directions
    ${"sidecar"} | ${["inbound", "outbound"]}
    ${"router"}  | ${["outbound"]}
  `("a $type has all slots of $directions, also the empty ones", ({ type, directions }) => {
    const names = [...translate(model.mesh({}), model.proxy({ type })).resources.ECDS.keys()];
    expect(names).toEqual(directions.flatMap((direction: string) => all.map((phase) => `${direction}/${phase}`)));
  });

  test.each`
    failStrategy     | owners       | stopgap
    ${"FAIL_CLOSE"}  | ${["hello"]} | ${true}
    ${"FAIL_RELOAD"} | ${["hello"]} | ${true}
    ${"FAIL_OPEN"}   | ${[]}        | ${true}
  `(
    "$failStrategy without a module: owned by $owners, only for proxies that have nothing",
    ({ failStrategy, owners, stopgap }) => {
      const mesh = model.mesh({ plugins: [model.plugin("hello", { module: null, failStrategy })] });
      const { resources, problems } = translate(mesh, model.proxy());
      const slot = resources.ECDS.get("outbound/unspecified");
      expect([slot?.owners.map(({ name }) => name), slot?.stopgap]).toEqual([owners, stopgap]);
      expect(problems).toMatchObject([
        { severity: "warning", object: { name: "hello" }, path: ["spec", "failStrategy"] },
      ]);
    },
  );

  test.each`
    attach                        | rewrite                       | warned
    ${["downstream", "upstream"]} | ${{ authority: "x.example" }} | ${["spec.match"]}
    ${["downstream", "upstream"]} | ${undefined}                  | ${[]}
    ${["downstream"]}             | ${{ authority: "x.example" }} | ${[]}
  `("ports of a plugin in $attach, routes that rewrite $rewrite: warned of $warned", ({ attach, rewrite, warned }) => {
    const http = [model.route("catalog", rewrite ? { rewrite } : {})];
    const mesh = model.mesh({
      services: [catalog],
      sidecars,
      virtualServices: [model.object("VirtualService", "catalog", model.virtualService(["catalog"], http))],
      plugins: [model.plugin("hello", { module: model.module({ attach }), match: [{ mode: "CLIENT", ports: [80] }] })],
    });
    expect(translate(mesh, model.proxy()).problems.map(({ path = [] }) => path.join("."))).toEqual(warned);
  });

  test.each`
    match                                           | selected | warned
    ${[{ mode: "SERVER", ports: [] }]}              | ${true}  | ${1}
    ${[{ mode: "SERVER", ports: [] }]}              | ${false} | ${0}
    ${[{ mode: "CLIENT", ports: [443] }]}           | ${true}  | ${1}
    ${[{ mode: "CLIENT_AND_SERVER", ports: [80] }]} | ${true}  | ${0}
    ${[]}                                           | ${true}  | ${0}
  `(
    "on a gateway, a plugin with match $match, chosen by label $selected: $warned warnings",
    ({ match, selected, warned }) => {
      const labels = { istio: "ingressgateway" };
      const port = { number: 80, name: "http", protocol: "HTTP" } as const;
      const mesh = model.mesh({
        gateways: [model.object("Gateway", "edge", { selector: labels, servers: [{ port, hosts: ["*"] }] })],
        plugins: [model.plugin("hello", { match, ...(selected ? { selector: labels } : {}) })],
      });
      expect(translate(mesh, model.proxy({ type: "router", labels })).problems).toHaveLength(warned);
    },
  );

  test("a Telemetry is what the slot of its side comes from, and changes no listener", () => {
    const log = { providers: [], mode: "SERVER", disabled: false } as const;
    const telemetries = [model.object("Telemetry", "log", { metrics: [], accessLogging: [log], tracing: [] })];
    const plain = model.mesh({ telemetry: model.module() });
    const [before, after] = [plain, { ...plain, telemetries }].map((mesh) => translate(mesh, model.proxy()).resources);
    const ownersOf = (slot: string) => after?.ECDS.get(slot)?.owners.map(({ kind, name }) => `${kind} ${name}`);
    expect([ownersOf("inbound/authn"), ownersOf("outbound/authn")]).toEqual([["Telemetry log"], []]);
    expect(after?.ECDS.get("inbound/authn")?.version).not.toBe(before?.ECDS.get("inbound/authn")?.version);
    expect([...(after?.LDS ?? [])].map(([name, { version }]) => [name, version])).toEqual(
      [...(before?.LDS ?? [])].map(([name, { version }]) => [name, version]),
    );
  });

  test("a rule of Telemetry changes the slots that it is for, which name its object, and no others", () => {
    const interval = { metrics: [{ providers: [], overrides: [], reportingIntervalMs: 1000 }] };
    const wide = model.object("Telemetry", "wide", { ...interval, accessLogging: [], tracing: [] }, "istio-system");
    const module = model.module({ attach: ["downstream", "upstream", "network"] });
    const slots = (spec?: Partial<Telemetry>) => {
      const near = model.object("Telemetry", "near", { metrics: [], accessLogging: [], tracing: [], ...spec });
      const mesh = model.mesh({ telemetries: spec ? [wide, near] : [wide], telemetry: module });
      return translate(mesh, model.proxy({ interception: "REDIRECT" })).resources.ECDS;
    };
    const before = slots();
    const changed = (spec: Partial<Telemetry>): Record<string, string[]> => {
      const after = [...slots(spec)];
      const anew = after.filter(([name, { version }]) => before.get(name)?.version !== version);
      const named = after.filter(([, { owners }]) => owners.some(({ name }) => name === "near"));
      expect(named.map(([name]) => name)).toEqual(anew.map(([name]) => name));
      return Object.fromEntries(anew.map(([name, { owners }]) => [name, owners.map((owner) => owner.name)]));
    };
    const drop = (metric: MetricName, mode: WorkloadMode): Partial<Telemetry> => ({
      metrics: [{ providers: [], overrides: [{ metrics: [metric], mode, disabled: true, tags: new Map() }] }],
    });
    const both = ["wide", "near"];
    const inbound = { "inbound/authn": both, "inbound/network/telemetry": both };
    const outbound = { "outbound/authn": both, "outbound/network/telemetry": both };
    const log = { providers: [], mode: "SERVER", disabled: false } as const;
    expect(changed(drop("requests_total", "SERVER"))).toEqual({ "inbound/authn": both });
    expect(changed(drop("tcp_sent_bytes_total", "CLIENT"))).toEqual({ "outbound/network/telemetry": both });
    expect(changed({ accessLogging: [log] })).toEqual(inbound);
    expect(changed({ metrics: [{ providers: ["other"], overrides: [] }] })).toEqual({ ...inbound, ...outbound });
    const [one, other] = (["requests_total", "request_bytes"] as const).map((metric) => slots(drop(metric, "SERVER")));
    expect(one?.get("inbound/authn")?.version).not.toBe(other?.get("inbound/authn")?.version);
  });

  test("a label that a pod does not know is told", () => {
    const tags = new Map([
      ["tenant", { value: "request.host" }],
      ["source_app", { value: "request.host" }],
    ]);
    const overrides = [{ metrics: ["requests_total"], mode: "SERVER", tags } as const];
    const rules = { metrics: [{ providers: [], overrides }], accessLogging: [], tracing: [] };
    const mesh = model.mesh({ telemetries: [model.object("Telemetry", "labels", rules)] });
    const toldTo = (statTags?: string[]) =>
      translate(mesh, model.proxy({ ...(statTags && { statTags }) })).problems.map(problemText);
    expect([toldTo(), toldTo(["tenant"])]).toEqual([[], []]);
    expect(toldTo([])).toEqual([
      "Telemetry shop/labels: spec.metrics adds tenant, which the pods of web.shop do not know and leave out: name it in their annotation sidecar.istio.io/extraStatTags and start them anew",
    ]);
  });

  test("telemetry runs before the users' plugins, and is no plugin", () => {
    const mesh = model.mesh({ plugins: [model.plugin("hello", { phase: "AUTHN" })], telemetry: model.module() });
    const order = JSON.stringify(resource(mesh, "ECDS", "outbound/authn")).match(/"name":"[a-z-]+\.[a-z]+"/g);
    expect([...new Set(order)]).toEqual(['"name":"istio-system.telemetry"', '"name":"shop.hello"']);
    const alone = translate(model.mesh({ telemetry: model.module() }), model.proxy()).resources.ECDS.get(
      "inbound/authn",
    );
    expect(alone?.owners).toEqual([]);
  });
});

test.each`
  type      | name                            | answers
  ${"ECDS"} | ${"outbound/x"}                 | ${"http.rbac.v3.RBAC"}
  ${"ECDS"} | ${"inbound/authn"}              | ${"ExtensionWithMatcher"}
  ${"ECDS"} | ${"inbound/network/authn/5432"} | ${'{"rules":{},"stat_prefix":"wasm-default-deny","@type":"type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC"}'}
  ${"RDS"}  | ${"9999"}                       | ${'"status":503'}
  ${"EDS"}  | ${"outbound|1||x"}              | ${"outbound|1||x"}
`("an unknown $type $name is answered with $answers", ({ type, name, answers }) => {
  const resource = deny(type, name);
  expect([resource.type, resource.name, resource.owners, resource.stopgap]).toEqual([type, name, [], true]);
  expect(JSON.stringify(json(resource))).toContain(answers);
});
