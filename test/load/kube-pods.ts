// From a pod's creation to its sidecar's readiness.
import type { V1Pod } from "@kubernetes/client-node";
import { type KubeMesh, shopNamespace } from "../support/kube/mesh.ts";
import type { Wire } from "../support/kube/objects.ts";
import { Watched } from "../support/kube/watched.ts";
import type { Figure, Measurement } from "./figures.ts";
import { injectionOf, podOf } from "./kube-injection.ts";
import { kubeMesh, proxies } from "./kube-mesh.ts";

const pods = 12;

export const podsCreated: Measurement = async (resources) => {
  const mesh = await kubeMesh(resources);
  return [...(await untilReady(mesh, resources)), ...(await injectionOf(mesh))];
};

async function untilReady(mesh: KubeMesh, resources: AsyncDisposableStack): Promise<readonly Figure[]> {
  const ready = new Map<string, number>();
  const path = `/api/v1/namespaces/${shopNamespace}/pods`;
  const watched = new Watched<Wire<V1Pod>>(mesh.api, path, ({ metadata, status }) => {
    const isReady = status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
    if (isReady && metadata?.name && !ready.has(metadata.name)) ready.set(metadata.name, Date.now());
  });
  resources.defer(async () => watched.stop());
  const samples: { readonly connected: number; readonly configured: number; readonly ready: number }[] = [];
  for (let n = 0; n < pods; n++) {
    const name = `measured-${n}`;
    const startedAtMs = Date.now();
    await mesh.api.create(path, podOf(name));
    const readyAtMs = await mesh.waitFor(() => ready.get(name), `${name} to be ready`);
    const isIt = ({ name: proxy }: { name: string }): boolean => proxy === `${name}.${shopNamespace}`;
    const [proxy] = (await proxies(mesh, (all) => all.some(isIt), `${name} to be connected`)).filter(isIt);
    samples.push({
      connected: (proxy?.connectedAtMs ?? 0) - startedAtMs,
      configured: (proxy?.types.LDS.sinceMs ?? 0) - startedAtMs,
      ready: readyAtMs - startedAtMs,
    });
    await mesh.api.delete(`${path}/${name}`, { gracePeriodSeconds: 0 });
  }
  const figure = (to: keyof (typeof samples)[number], how: string): Figure => ({
    what: `pod created: sidecar ${to}`,
    samples: samples.map((sample) => sample[to]),
    unit: "ms",
    how,
  });
  return [
    figure("connected", "to the controller; before it the init container and Envoy's start"),
    figure("configured", "its ACK of the listeners"),
    figure("ready", "Ready of the pod, seen by a watch; probed each second"),
  ];
}
