// The controller is replaced while pods are made and plugins changed, each of which the API server asks it about.
import { setTimeout as pause } from "node:timers/promises";
import type { V1Pod } from "@kubernetes/client-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type KubeMesh, startKubeMesh } from "../support/kube/mesh.ts";

const namespace = "/api/v1/namespaces/busy";
const plugins = "/apis/extensions.istio.io/v1alpha1/namespaces/busy/wasmplugins";

/** For so long the API server goes on calling a pod that leaves: the lag of a large cluster, where it is always seen. */
const endpointLagMs = 2000;

/** Between two calls, so that the new pod has time to start. */
const pauseMs = 20;

let mesh: KubeMesh;

beforeAll(async () => {
  mesh = await startKubeMesh({ shop: false, endpointLagMs });
  await mesh.api.create("/api/v1/namespaces", { metadata: { name: "busy", labels: { "istio-injection": "enabled" } } });
  await mesh.waitFor(() => mesh.api.get(`${namespace}/serviceaccounts/default`), "the service account");
  await mesh.api.create(plugins, {
    apiVersion: "extensions.istio.io/v1alpha1",
    kind: "WasmPlugin",
    metadata: { name: "deadline" },
    spec: { url: "builtin://deadline" },
  });
});
afterAll(() => mesh?.close());

/** What goes on until it is stopped. */
interface Calls {
  readonly count: () => number;
  readonly refusals: readonly string[];
  stop(): Promise<void>;
}

function again(one: (i: number) => Promise<unknown>): Calls {
  const refusals: string[] = [];
  let count = 0;
  let isOver = false;
  const run = async (): Promise<void> => {
    for (; !isOver; count++) {
      await one(count).catch((error: unknown) => refusals.push(error instanceof Error ? error.message : String(error)));
      await pause(pauseMs);
    }
  };
  const ended = run();
  return {
    count: () => count,
    refusals,
    stop() {
      isOver = true;
      return ended;
    },
  };
}

async function makePod(): Promise<void> {
  const { spec } = await mesh.api.create<V1Pod>(`${namespace}/pods?dryRun=All`, {
    metadata: { name: "web" },
    spec: { containers: [{ name: "app", image: "app" }] },
  });
  if (!JSON.stringify(spec).includes("istio-proxy")) throw new Error("a pod has no proxy");
}

function changePlugin(i: number): Promise<unknown> {
  return mesh.api.patch(`${plugins}/deadline`, { spec: { selector: { matchLabels: { app: `app-${i}` } } } });
}

test("no pod and no plugin is refused while the controller is replaced", async () => {
  const [old] = (await mesh.kubectl("-n", "istio-system", "get", "pods", "-l", "app=sluice", "-o", "name")).split("\n");
  const calls = [again(makePod), again(changePlugin)];
  await mesh.kubectl("-n", "istio-system", "rollout", "restart", "deployment/sluice");
  await mesh.kubectl("-n", "istio-system", "rollout", "status", "deployment/sluice", "--timeout=120s");
  await mesh.kubectl("-n", "istio-system", "wait", "--for=delete", old ?? "", "--timeout=60s");
  const before = calls.map(({ count }) => count());
  await mesh.waitFor(() => calls.every(({ count }, i) => count() > (before[i] ?? 0) + 10), "calls of the new one");
  await Promise.all(calls.map((one) => one.stop()));
  expect(calls.map(({ refusals }) => refusals)).toEqual([[], []]);
});
