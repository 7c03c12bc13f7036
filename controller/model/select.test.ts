import { describe, expect, test } from "vitest";
import type { MeshService } from "./mesh.ts";
import type { MeshObject } from "./object.ts";
import { gatewaysFor, servicesServedBy, servicesVisibleTo, sidecarFor } from "./select.ts";
import { gateway, make, mesh, service, virtualService, web } from "./test-support/meshes.ts";

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
    const endpoint = {
      ports: new Map(),
      mutualTls: new Set<number>(),
      serviceAccount: "",
      workload: "web",
      weight: 1,
      ready: true,
    };
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
