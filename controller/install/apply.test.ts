import { expect, test } from "vitest";
import { install } from "./apply.ts";
import { defaultInstallSettings } from "./settings.ts";
import { type MemoryApi, type MemoryApiOptions, memoryApi } from "./test-support/memory-api.ts";
import { PassingClock } from "./test-support/passing-clock.ts";
import { injector, validator } from "./webhooks.ts";

const settings = defaultInstallSettings("1.2.3");

async function run(
  options: MemoryApiOptions,
  timeoutMs?: number,
): Promise<{ api: MemoryApi; ok: boolean; lines: string[] }> {
  const api = memoryApi(options);
  const lines: string[] = [];
  const clock = new PassingClock();
  const ok = await install({ settings, version: "1.2.3", timeoutMs }, { api, clock, say: (line) => lines.push(line) });
  return { api, ok, lines };
}

test("without waiting everything is applied at once", async () => {
  const { ok, lines } = await run({});
  expect([ok, lines]).toEqual([
    true,
    ["✔ Sluice core installed", "✔ Control plane installed", "✔ Ingress gateways installed", "✔ Installation complete"],
  ]);
});

test("what keeps the control plane from running is told, not what waits for it; the gateway is not tried", async () => {
  const { api, ok, lines } = await run({}, 60_000);
  expect([ok, lines]).toEqual([
    false,
    [
      "✔ Sluice core installed",
      "✘ Control plane encountered an error: Deployment sluice.istio-system: 0 of 1 pods are ready, after 60 s",
    ],
  ]);
  expect([...api.objects.keys()].filter((path) => path.includes("ingressgateway"))).toEqual([]);
});

test("what others have under one of our names stays as it is", async () => {
  const others = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "istio-ingressgateway", namespace: "istio-system" },
  };
  const { api, lines } = await run({ objects: [others] });
  expect(lines.at(-1)).toBe(
    "✘ Ingress gateways encountered an error: Deployment istio-ingressgateway.istio-system: is there already, and Sluice did not install it; it would be overwritten",
  );
  expect([...api.objects.values()]).toContain(others);
});

test("a refusal of the API server is told with its object", async () => {
  const { lines } = await run({ refuse: ({ kind }) => (kind === "ClusterRole" ? "forbidden" : undefined) });
  expect(lines).toEqual(["✘ Sluice core encountered an error: ClusterRole sluice-istio-system: forbidden"]);
});

test("certificates that the control plane brings are not taken away", () => {
  for (const configuration of [injector(), validator()])
    expect(JSON.stringify(configuration)).not.toContain("caBundle");
});
