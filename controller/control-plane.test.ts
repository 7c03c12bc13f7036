import { expect, test } from "vitest";
import { ControlPlane, type Modules } from "./control-plane.ts";
import { parseObject } from "./crd/parse-object.ts";
import { codes } from "./model/codes.ts";
import { defaultSettings } from "./model/mesh.ts";
import type { MeshObject } from "./model/object.ts";
import type { Proxy } from "./model/proxy.ts";
import type { RawObject } from "./model/raw-object.ts";
import { TestClock } from "./ports/clock.ts";
import { acked, proxyState, resource, sha } from "./status/test-support/mesh.ts";

const slot = "inbound/unspecified";
const { proxy } = proxyState("web-1", []);
const identity = { trustDomain: "cluster.local", namespace: "shop", serviceAccount: "default" };

/** Modules of which those whose url holds "bad" were never good. */
const modules: Modules = {
  resolve: (objects) => ({ plugins: objects.map((object) => ({ object, ...moduleOf(object) })), problems: [] }),
};

function moduleOf({ spec }: MeshObject<"WasmPlugin">) {
  if (spec.url.includes("bad")) return {};
  return { module: { digest: sha("a1"), bytes: new Uint8Array(), attach: ["downstream"] as const, capabilities: [] } };
}

const plugin = (name: string, url: string): RawObject => ({
  value: {
    apiVersion: "extensions.istio.io/v1alpha1",
    kind: "WasmPlugin",
    metadata: { name, namespace: "shop" },
    spec: { url },
  },
});

/** A control plane with one proxy, that acknowledges a version of the slot where it is told to. */
function started(): {
  plane: ControlPlane;
  acknowledge: (version: string | undefined) => void;
  clock: TestClock;
} {
  let version: string | undefined;
  const state = (of: Proxy) => {
    const { snapshot } = plane.targetFor(of, identity);
    const resource = snapshot.ECDS.get(slot);
    return proxyState("web-1", resource && version ? [[resource, acked(version)]] : []);
  };
  const clock = new TestClock();
  const plane = new ControlPlane({
    settings: defaultSettings,
    controller: "sluice",
    modules,
    secrets: () => new Map(),
    push: () => {},
    proxies: () => [state(proxy)],
    clock,
    log: { info: () => {}, warn: () => {}, error: () => {} },
  });
  return { plane, acknowledge: (now) => (version = now), clock };
}

/** Whether what the proxy runs in the slot stays whatever it should have. */
const isKept = (plane: ControlPlane): boolean => plane.targetFor(proxy, identity).keep?.ECDS?.has(slot) ?? false;
const versionOf = (plane: ControlPlane): string | undefined =>
  plane.targetFor(proxy, identity).snapshot.ECDS.get(slot)?.version;

test("a plugin that was never good doesn't hold up its neighbours in a slot that this process filled", () => {
  const { plane, acknowledge } = started();
  plane.update({ objects: [plugin("a", "file:///a.wasm")], problems: [] });
  acknowledge(versionOf(plane));
  plane.update({ objects: [plugin("a", "file:///a.wasm"), plugin("b", "file:///bad.wasm")], problems: [] });
  expect(isKept(plane)).toBe(false);
  acknowledge(versionOf(plane));
  plane.update({ objects: [plugin("b", "file:///bad.wasm")], problems: [] });
  expect(isKept(plane)).toBe(false);
});

test("a plugin that was never good leaves a slot alone that an earlier process filled", () => {
  const { plane, acknowledge } = started();
  acknowledge("of an earlier process");
  plane.update({ objects: [plugin("a", "file:///a.wasm"), plugin("b", "file:///bad.wasm")], problems: [] });
  expect(isKept(plane)).toBe(true);
  plane.update({ objects: [plugin("a", "file:///a.wasm")], problems: [] });
  expect(isKept(plane)).toBe(false);
});

test("a renewed secret is no part of the push before it", () => {
  const { plane, clock } = started();
  plane.update({ objects: [plugin("a", "file:///a.wasm")], problems: [] });
  const before = plane.status.push;
  const about = { connection: 1, proxy, nonce: "1", removed: [] };
  for (const type of ["SDS", "ECDS"] as const) {
    clock.advance(60_000);
    const resources = [resource(type, "default", "2")];
    plane.onEvent({ kind: "sent", type, resources, atMs: clock.nowMs(), ...about });
    clock.advance(10);
    if (type === "SDS") expect(plane.status.push).toEqual(before);
  }
  expect(plane.status.push).toMatchObject({ resources: 1, tookMs: 120_010 });
});

test("an object is tried against the mesh, and changes nothing by that", () => {
  const { plane } = started();
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "catalog", namespace: "shop" },
    spec: { ports: [{ name: "http", port: 80 }] },
  };
  const routeTo = (host: string): RawObject => ({
    value: {
      apiVersion: "networking.istio.io/v1",
      kind: "VirtualService",
      metadata: { name: "catalog", namespace: "shop" },
      spec: { hosts: ["catalog"], http: [{ route: [{ destination: { host } }] }] },
    },
  });
  plane.update({ objects: [{ value: service }, routeTo("catalog")], problems: [] });
  const { object } = parseObject(routeTo("nowhere"));
  if (!object) throw new Error("it is valid by itself");
  expect(plane.problemsWith(object).map(({ code }) => code)).toEqual([codes.notFound]);
  expect(plane.status.problems).toEqual([]);
  plane.update({ objects: [{ value: service }, routeTo("nowhere")], problems: [] });
  expect(plane.status.problems.map(({ code }) => code)).toEqual([codes.notFound]);
});

test("selectors go by the labels that a pod has now", () => {
  const { plane } = started();
  const pod = (labels: Record<string, string>): RawObject => ({
    value: {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: proxy.name, namespace: proxy.namespace, labels },
      spec: { containers: [] },
      status: { podIP: proxy.ip },
    },
  });
  const canary = plugin("a", "file:///a.wasm");
  const selecting = {
    value: { ...Object(canary.value), spec: { url: "file:///a.wasm", selector: { matchLabels: { track: "canary" } } } },
  };
  const isSelected = (): boolean =>
    plane
      .targetFor(proxy, identity)
      .snapshot.ECDS.get(slot)
      ?.owners.some(({ name }) => name === "a") ?? false;
  plane.update({ objects: [selecting, pod({ track: "stable" })], problems: [] });
  expect(isSelected()).toBe(false);
  plane.update({ objects: [selecting, pod({ track: "canary" })], problems: [] });
  expect(isSelected()).toBe(true);
});
