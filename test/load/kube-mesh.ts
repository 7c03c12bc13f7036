// The mesh in a cluster that is measured, and what is asked of its controller.
import type { V1Pod } from "@kubernetes/client-node";
import type { ProxySync } from "../../controller/status/sync.ts";
import { type KubeMesh, startKubeMesh } from "../support/kube/mesh.ts";

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

/** The address of the one controller; `undefined` while there is none that is ready. */
export async function controllerIp({ api }: KubeMesh): Promise<string | undefined> {
  const { items } = await api.get<{ items: readonly V1Pod[] }>(
    "/api/v1/namespaces/istio-system/pods?labelSelector=app%3Dsluice",
  );
  const living = items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  return living.length === 1 ? living[0]?.status?.podIP : undefined;
}

/** `undefined` where nothing answers. */
export async function page<T>(host: string, path: string, port = monitoringPort): Promise<T | undefined> {
  try {
    return (await (await fetch(`http://${host}:${port}${path}`)).json()) as T;
  } catch {
    return undefined;
  }
}

/** What the controller says of its proxies, once it is as wanted. */
export function proxies(
  mesh: KubeMesh,
  isWanted: (proxies: readonly ProxySync[]) => boolean,
  what: string,
): Promise<readonly ProxySync[]> {
  let ip: string | undefined;
  return mesh.waitFor(async () => {
    ip ??= await controllerIp(mesh);
    const all = ip === undefined ? undefined : await page<ProxySync[]>(ip, "/debug/syncz");
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
