import { describe, expect, test } from "vitest";
import type { MeshObject } from "./object.ts";
import type { Proxy } from "./proxy.ts";
import { hostsOnServer, virtualServicesFor, virtualServicesForGateway } from "./select-routes.ts";
import { destinationRuleFor } from "./select-rules.ts";
import { gateway, make, mesh, service, virtualService, web } from "./test-support/meshes.ts";

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
    return bound && [bound.spec.trafficPolicy.loadBalancer, ...bound.from.map(({ meta }) => meta.name)];
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
