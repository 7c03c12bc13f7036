import { expect, test } from "vitest";
import type { AnyObject } from "../model/object.ts";
import type { Service, ServiceEntry } from "../model/service.ts";
import { hostsText } from "./hosts.ts";
import type { PlacedPod } from "./objects.ts";
import { planOf } from "./plan.ts";
import { deployment, meta } from "./test-support/objects.ts";

function service(name: string, namespace: string, spec: Partial<Service>): AnyObject {
  return { kind: "Service", meta: meta(name, namespace), spec: { ports: [], ...spec } };
}

function entry(hosts: readonly string[], addresses: readonly string[]): AnyObject {
  const spec = { hosts, addresses } as Partial<ServiceEntry> as ServiceEntry;
  return { kind: "ServiceEntry", meta: meta("api"), spec };
}

const catalog = service("catalog", "shop", { clusterIP: "198.19.0.5" });
const db = service("db", "shop", { selector: { app: "db" } });

function pods(...ready: boolean[]): readonly PlacedPod[] {
  const { pods } = planOf([deployment("db", { replicas: ready.length })]);
  return pods.map((plan, i) => ({
    ...{
      plan,
      uid: "u-1",
      ip: `198.18.254.${i + 2}`,
      appPorts: new Map(),
      ready: ready[i] === true,
      intercepted: true,
    },
  }));
}

test.each([
  ["its own", "shop", ["198.19.0.5 catalog catalog.shop catalog.shop.svc catalog.shop.svc.cluster.local"]],
  ["another", "else", ["198.19.0.5 catalog.shop catalog.shop.svc catalog.shop.svc.cluster.local"]],
])("in %s namespace a service has Kubernetes' names", (_, namespace, lines) => {
  const text = hostsText(namespace, { objects: [catalog], pods: [], domain: "cluster.local" });
  expect(text.split("\n")).toEqual(["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback", ...lines, ""]);
});

test("a headless service that publishes pods before they are ready leads to all", () => {
  const open = service("db", "shop", { selector: { app: "db" }, publishNotReadyAddresses: true });
  const text = hostsText("else", { objects: [open], pods: pods(true, false), domain: "cluster.local" });
  expect(text.match(/^198\S+/gm)).toEqual(["198.18.254.2", "198.18.254.3"]);
});

test("a headless service leads to its ready pods, a ServiceEntry to its address", () => {
  const objects = [db, entry(["api.example.com", "*.example.com"], ["198.19.0.7", "10.0.0.0/8"])];
  const text = hostsText("else", { objects, pods: pods(true, false, true), domain: "cluster.local" });
  expect(text.split("\n").slice(2)).toEqual([
    "198.18.254.2 db.shop db.shop.svc db.shop.svc.cluster.local",
    "198.18.254.4 db.shop db.shop.svc db.shop.svc.cluster.local",
    "198.19.0.7 api.example.com",
    "",
  ]);
});
