// What the controller needs for a cluster of 2,000 pods, of which three have a proxy: at its start, at rest, under churn.
import { setTimeout as pause } from "node:timers/promises";
import type { ProxySync } from "../../controller/status/sync.ts";
import { repo } from "../support/kube/images.ts";
import type { KubeMesh } from "../support/kube/mesh.ts";
import type { Figure, Measurement } from "./figures.ts";
import { type Usage, usagePort } from "./inside-controller.ts";
import { appliedTo } from "./kube-apply.ts";
import { isSettled, kubeMesh, page, proxies, proxyCount } from "./kube-mesh.ts";
import { makeObjects, type PodObject, podCount, serviceCount, setReady } from "./kube-objects.ts";

const restMs = 60_000;
const churnMs = 30_000;
const changesPerSecond = 20;
const changesAlone = 15;
const size = `${podCount} pods, ${serviceCount} services, ${proxyCount} proxies`;
const mebi = 2 ** 20;

export const scale: Measurement = async (resources) => {
  const mesh = await kubeMesh(resources);
  const options = `NODE_OPTIONS=--max-semi-space-size=8 --expose-gc --import=${repo}/test/load/inside-controller.ts`;
  await mesh.kubectl("-n", "istio-system", "set", "env", "deployment/sluice", options);
  await mesh.kubectl("-n", "istio-system", "rollout", "status", "deployment/sluice", "--timeout=60s");
  await connected(mesh);
  const small = await usage(mesh);
  const pods = await makeObjects(mesh);
  return [
    ...memory(small, `${proxyCount} pods`),
    ...(await start(mesh)),
    ...(await rest(mesh)),
    ...(await alone(mesh, pods)),
    ...(await appliedTo(mesh, resources, `, with ${podCount} pods`)),
    ...(await churn(mesh, pods)),
  ];
};

function usage(mesh: KubeMesh): Promise<Usage> {
  return mesh.waitFor(() => page<Usage>(mesh, "/", usagePort), "the controller's usage");
}

function connected(mesh: KubeMesh): Promise<readonly ProxySync[]> {
  return proxies(mesh, (all) => all.length === proxyCount && all.every(isSettled), "the proxies to be connected");
}

function memory({ heapBytes, rssBytes }: Usage, of: string): Figure[] {
  return [
    { what: `controller's heap, ${of}`, samples: [heapBytes / mebi], unit: "MiB", how: "after a collection" },
    {
      what: `controller's memory, ${of}`,
      samples: [rssBytes / mebi],
      unit: "MiB",
      how: "resident, after a collection",
    },
  ];
}

/** A new controller, until it serves and until the proxies, which look for it, have everything again. */
async function start(mesh: KubeMesh): Promise<readonly Figure[]> {
  await mesh.kubectl("-n", "istio-system", "delete", "pod", "-l", "app=sluice", "--wait=false");
  const isServing = async (): Promise<boolean> => (await page(mesh, "/version")) !== undefined;
  const serving = await mesh.waitFor(async () => (await isServing()) && Date.now(), "the new controller to serve");
  const all = await connected(mesh);
  const connectedAtMs = Math.max(...all.map((one) => one.connectedAtMs));
  const { startedAtMs, cpuMs } = await usage(mesh);
  const how = `since the process began; ${size}`;
  return [
    { what: "controller's start: all is known, xDS served", samples: [serving - startedAtMs], unit: "ms", how },
    { what: "controller's start: last proxy connected", samples: [connectedAtMs - startedAtMs], unit: "ms", how },
    { what: "controller's start: CPU", samples: [cpuMs], unit: "ms", how: "until then" },
  ];
}

async function rest(mesh: KubeMesh): Promise<readonly Figure[]> {
  const before = await usage(mesh);
  await pause(restMs); // the measurement itself: nothing happens
  const after = await usage(mesh);
  return [
    ...memory(after, `${podCount} pods`),
    {
      what: "controller at rest: CPU",
      samples: [after.cpuMs - before.cpuMs],
      unit: "ms",
      how: `over ${restMs / 1000} s; ${size}`,
    },
  ];
}

/** From the patch of one pod's readiness, nothing else happening, to the last proxy's ACK of its endpoints. */
async function alone(mesh: KubeMesh, pods: readonly PodObject[]): Promise<readonly Figure[]> {
  const samples: number[] = [];
  for (const pod of pods.slice(0, changesAlone)) {
    const startedAtMs = Date.now();
    await setReady(mesh, pod, false);
    const acked = await proxies(
      mesh,
      (all) => all.every((one) => isSettled(one) && (one.types.EDS.sinceMs ?? 0) >= startedAtMs),
      `endpoints without ${pod.name}`,
    );
    samples.push(Math.max(...acked.map(({ types }) => types.EDS.sinceMs ?? 0)) - startedAtMs);
  }
  const how = `${size}; the controller gathers for 50 ms`;
  return [{ what: "pod's readiness to last ACK", samples, unit: "ms", how }];
}

async function churn(mesh: KubeMesh, pods: readonly PodObject[]): Promise<readonly Figure[]> {
  const before = await usage(mesh);
  const pushes = new Set<number>();
  const changes: Promise<void>[] = [];
  const startedAtMs = Date.now();
  for (let n = 0; Date.now() - startedAtMs < churnMs; n++) {
    const pod = pods[(n * 37) % pods.length];
    if (pod) changes.push(setReady(mesh, pod, n % 2 === 0));
    if (n % 2 === 0) {
      const [first] = (await page<ProxySync[]>(mesh, "/debug/syncz")) ?? [];
      pushes.add(first?.types.EDS.sinceMs ?? 0);
    }
    await pause(Math.max(0, startedAtMs + ((n + 1) * 1000) / changesPerSecond - Date.now()));
  }
  await Promise.all(changes);
  const after = await usage(mesh);
  const how = `${changes.length} changes of readiness in ${churnMs / 1000} s; ${size}`;
  return [
    { what: "controller under churn: CPU", samples: [after.cpuMs - before.cpuMs], unit: "ms", how },
    {
      what: "controller under churn: pushes acknowledged",
      samples: [pushes.size],
      unit: "",
      how: "by one proxy, as seen each 100 ms",
    },
    ...memory(after, "after churn"),
  ];
}
