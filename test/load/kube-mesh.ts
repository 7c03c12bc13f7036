// The mesh in a cluster that is measured, and what is asked of its controller.
import type { V1Pod } from "@kubernetes/client-node";
import type { ProxySync } from "../../controller/status/sync.ts";
import { type KubeMesh, startKubeMesh } from "../support/kube/mesh.ts";
import { run } from "../support/kube/sh.ts";

/** The gateway, webapp and catalog. */
export const proxyCount = 3;
const monitoringPort = 15014;

/** The outfitters shop, once its three proxies have all that they should. */
export async function kubeMesh(resources: AsyncDisposableStack): Promise<KubeMesh> {
  const mesh = await startKubeMesh();
  resources.defer(() => mesh.close());
  await settled(mesh);
  return mesh;
}

/** The pod of the one controller; `undefined` while there are more, or none. */
export async function controllerPod({ api }: KubeMesh): Promise<V1Pod | undefined> {
  const { items } = await api.get<{ items: readonly V1Pod[] }>(
    "/api/v1/namespaces/istio-system/pods?labelSelector=app%3Dsluice",
  );
  const living = items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  return living.length === 1 ? living[0] : undefined;
}

/** Of the one controller, on its pod's loopback; `undefined` where nothing answers. */
export async function page<T>(mesh: KubeMesh, path: string, port = monitoringPort): Promise<T | undefined> {
  const { namespace = "", name: pod = "" } = (await controllerPod(mesh))?.metadata ?? {};
  const pid = await mesh.pidOf({ namespace, pod, name: "controller" });
  if (pid === undefined) return undefined;
  const curl = ["curl", "-sf", `http://127.0.0.1:${port}${path}`];
  return run(["nsenter", `--net=/proc/${pid}/ns/net`, ...curl]).then(JSON.parse, () => undefined);
}

/** What the controller says of its proxies, once it is as wanted. */
export function proxies(
  mesh: KubeMesh,
  isWanted: (proxies: readonly ProxySync[]) => boolean,
  what: string,
): Promise<readonly ProxySync[]> {
  return mesh.waitFor(async () => {
    const all = await page<ProxySync[]>(mesh, "/debug/syncz");
    return all && isWanted(all) && all;
  }, what);
}

/** Whether nothing that was sent is without an answer. */
export function isSettled({ types }: ProxySync): boolean {
  return Object.values(types).every(({ state }) => !state.startsWith("STALE"));
}

async function settled(mesh: KubeMesh): Promise<void> {
  await proxies(mesh, (all) => all.length === proxyCount && all.every(isSettled), "the proxies to have everything");
}
