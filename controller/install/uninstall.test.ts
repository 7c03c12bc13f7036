import { expect, test } from "vitest";
import { everything } from "./components.ts";
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

async function run(options: MemoryApiOptions, purge = false) {
  const api = memoryApi({ objects: installed, ...options });
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

test("something that does not go is told, and nothing after it is tried", async () => {
  const { ok, lines, left } = await run({ finalized: true });
  expect([ok, lines, left.length]).toEqual([
    false,
    ["✘ MutatingWebhookConfiguration sluice-sidecar-injector is not gone after 120 s: see its finalizers"],
    installed.length,
  ]);
});
