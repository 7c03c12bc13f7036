import { expect, test } from "vitest";
import { everything } from "./components.ts";
import type { InstallApi } from "./install-api.ts";
import { type MemoryApiOptions, memoryApi } from "./test-support/memory-api.ts";
import { PassingClock } from "./test-support/passing-clock.ts";
import { planRemoval, remove } from "./uninstall.ts";

const installed = everything("1.2.3");
const cacerts = { apiVersion: "v1", kind: "Secret", metadata: { name: "cacerts", namespace: "istio-system" } };
const plugin = {
  apiVersion: "extensions.istio.io/v1alpha1",
  kind: "WasmPlugin",
  metadata: { name: "a", namespace: "shop" },
};

async function run(options: MemoryApiOptions, purge = false, instead: Partial<InstallApi> = {}) {
  const api = { ...memoryApi({ objects: installed, ...options }), ...instead };
  const lines: string[] = [];
  const plan = await planRemoval("1.2.3", api);
  const ok = await remove(plan, { purge }, { api, clock: new PassingClock(), say: (line) => lines.push(line) });
  return { ok, lines, left: [...api.objects.values()].map(({ kind, metadata }) => `${kind} ${metadata.name}`) };
}

test("webhooks go first, then what they lead to; the namespace goes last", async () => {
  const { ok, lines, left } = await run({});
  expect([ok, left]).toEqual([true, []]);
  expect(lines.slice(0, 3)).toEqual([
    "  Removed MutatingWebhookConfiguration sluice-sidecar-injector",
    "  Removed ValidatingWebhookConfiguration sluice-validator-istio-system",
    "  Removed Deployment sluice.istio-system",
  ]);
  expect(lines.slice(-2)).toEqual(["  Removed Namespace istio-system", "✔ Uninstall complete"]);
});

test.each`
  purge    | kept
  ${false} | ${["  Kept CustomResourceDefinition wasmplugins.extensions.istio.io: it has 1 object; --purge removes them too"]}
  ${true}  | ${[]}
`("a definition of users' objects; purge: $purge", async ({ purge, kept }) => {
  const { lines } = await run({ objects: [...installed, plugin] }, purge);
  expect(lines.filter((line) => line.includes("Kept"))).toEqual(kept);
});

test("what the operator brought stays, and the namespace with it", async () => {
  const { ok, lines, left } = await run({ objects: [...installed, cacerts] });
  expect(lines).toContain("  Kept Namespace istio-system: it has Secret cacerts");
  expect([ok, left]).toEqual([true, ["Namespace istio-system", "Secret cacerts"]]);
});

test("what users wrote for the whole mesh stays, with its definition and the namespace", async () => {
  const object = (kind: string, apiVersion: string, more = {}) => ({
    apiVersion,
    kind,
    metadata: { name: "default", namespace: "istio-system", ...more },
  });
  const { lines, left } = await run({
    objects: [
      ...installed,
      object("PeerAuthentication", "security.istio.io/v1"),
      object("Ingress", "networking.k8s.io/v1"),
      object("Event", "v1"), // Kubernetes' own, as the next two
      object("ServiceAccount", "v1"),
      object("ReplicaSet", "apps/v1", { ownerReferences: [{ kind: "Deployment" }] }),
    ],
  });
  expect(lines.filter((line) => line.includes("Kept"))).toEqual([
    "  Kept CustomResourceDefinition peerauthentications.security.istio.io: it has 1 object; --purge removes them too",
    "  Kept Namespace istio-system: it has PeerAuthentication default, Ingress default",
  ]);
  expect(left).toContain("PeerAuthentication default");
});

test("a namespace that can't be looked into stays", async () => {
  const request = () => Promise.reject(new Error("no answer"));
  const { lines } = await run({}, false, { request });
  expect(lines.at(-2)).toBe("  Kept Namespace istio-system: what is in it can't be listed: no answer");
});

test("something that does not go is told, and nothing after it is tried", async () => {
  const { ok, lines, left } = await run({ finalized: true });
  expect([ok, lines, left.length]).toEqual([
    false,
    ["✘ MutatingWebhookConfiguration sluice-sidecar-injector is not gone after 120 s: see its finalizers"],
    installed.length,
  ]);
});
