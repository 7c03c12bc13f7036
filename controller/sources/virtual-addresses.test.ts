import { expect, test } from "vitest";
import type { RawObject } from "../model/raw-object.ts";
import { withVirtualAddresses } from "./virtual-addresses.ts";

function service(name: string, spec: object = {}): RawObject {
  return { value: { apiVersion: "v1", kind: "Service", metadata: { name, namespace: "shop" }, spec } };
}

function entry(spec: object): RawObject {
  const metadata = { name: "api", namespace: "shop" };
  return { value: { apiVersion: "networking.istio.io/v1", kind: "ServiceEntry", metadata, spec } };
}

function specs(...objects: readonly RawObject[]): readonly unknown[] {
  return withVirtualAddresses(objects).map(({ value }) => (value as { spec?: unknown }).spec);
}

test("a service has an address by its name, whatever else there is", () => {
  const [alone] = specs(service("catalog"));
  expect(alone).toEqual({ clusterIP: expect.stringMatching(/^198\.19\.\d+\.\d+$/) });
  expect(specs(service("a"), service("webapp"), service("catalog"))[2]).toEqual(alone);
});

test("no two have the same, nor one that somebody wrote", () => {
  const [{ clusterIP = "" } = {}] = specs(service("catalog")) as { clusterIP?: string }[];
  const many = Array.from({ length: 2000 }, (_, i) => service(`s${i}`)); // some of these hash to the same
  const all = specs(service("catalog"), service("own", { clusterIP }), ...many) as { clusterIP: string }[];
  expect(new Set(all.map((spec) => spec.clusterIP)).size).toBe(all.length);
  expect(all[1]).toEqual({ clusterIP });
});

test("a ServiceEntry gets one too", () => {
  const spec = { hosts: ["api.example.com"], resolution: "DNS" };
  expect(specs(entry(spec))).toEqual([{ ...spec, addresses: [expect.stringMatching(/^198\.19\./)] }]);
});

test.each([
  ["a headless service", service("db", { clusterIP: "None" })],
  ["a service with an address", service("db", { clusterIP: "10.0.0.1" })],
  ["a service that is another name", service("db", { type: "ExternalName" })],
  ["an entry with addresses", entry({ hosts: ["a.b"], resolution: "STATIC", addresses: ["10.0.0.1"] })],
  ["an entry for any name", entry({ hosts: ["*.b"], resolution: "STATIC" })],
  ["an entry that leads where the call goes", entry({ hosts: ["a.b"] })],
  ["another kind", { value: { apiVersion: "v1", kind: "Pod", metadata: { name: "a" }, spec: {} } }],
  ["what is no object", { value: "text" }],
])("%s stays as it is", (_, object) => {
  expect(withVirtualAddresses([object])).toEqual([object]);
});
