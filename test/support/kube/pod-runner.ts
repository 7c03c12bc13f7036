// The node of a test's cluster, without a container engine: takes pods as the API server holds them, after all admission,
// and runs their containers as processes.
//
// There is no DNS: names of Services stand in each pod's /etc/hosts, and its resolv.conf names a server that answers nobody.
// So tests do not show how Envoy's own resolver (c-ares) looks up the control plane and the hosts of DNS clusters with a
// cluster's search domains and ndots, what it does while DNS is away, or how long it keeps an answer.
import type { V1Pod } from "@kubernetes/client-node";
import { type KubeApi, persist } from "./api.ts";
import { Coalesced } from "./coalesced.ts";
import type { Images } from "./images.ts";
import type { Network } from "./network.ts";
import { type Wire, watchObjects } from "./objects.ts";
import { Pod, type PodHost } from "./pod.ts";
import { hostsFile, natRules } from "./services.ts";
import type { Slot } from "./slot.ts";
import { Watched } from "./watched.ts";

/** The node's name: a pod that a test gives any other `spec.nodeName` exists as an object only. */
export const nodeName = "node-1";

export interface PodRunnerOptions {
  readonly api: KubeApi;
  readonly slot: Slot;
  readonly network: Network;
  readonly images: Images;
  readonly podsDir: string;
  readonly kubeletPort: number;
}

export interface PodRunner {
  /** Ends all pods at once. */
  close(): Promise<void>;
}

/** Registers the node and runs whatever is bound to it; what is bound to none it binds. */
export async function startPodRunner(options: PodRunnerOptions): Promise<PodRunner> {
  const { api } = options;
  await registerNode(options);
  const running = new Map<string, Pod>();
  const state = () => ({ services: objects.services.values(), slices: objects.slices.values() });
  const services = new Coalesced(async () => {
    await options.network.setNat(natRules(state(), options.slot.nodeIp));
    await Promise.all([...running.values()].map((pod) => pod.writeNames()));
  });
  const objects = watchObjects(api, {
    config: () => {
      for (const pod of running.values()) pod.refresh();
    },
    services: () => void services.request(),
  });
  const host: PodHost = {
    ...options,
    objects,
    nodeName,
    hostIp: options.slot.hostIp,
    memoryDir: options.slot.memoryDir,
    hosts: (pod) => hostsFile(state(), pod),
  };
  const onPod = (pod: Wire<V1Pod>, event: "set" | "gone"): void => {
    const uid = pod.metadata?.uid ?? "";
    const known = running.get(uid);
    if (event === "gone") {
      running.delete(uid);
      void known?.kill();
    } else if (pod.metadata?.deletionTimestamp !== undefined) {
      known?.update(pod);
      if (known) void known.terminate();
      else if (pod.spec?.nodeName === nodeName) void persist(() => api.delete(pathOf(pod), { gracePeriodSeconds: 0 }));
    } else if (pod.spec?.nodeName === undefined) void bind(api, pod);
    else if (pod.spec.nodeName !== nodeName)
      return; // an object only
    else if (known) known.update(pod);
    else running.set(uid, new Pod(pod, host));
  };
  const pods = new Watched<Wire<V1Pod>>(api, "/api/v1/pods", onPod);
  return {
    async close() {
      for (const one of [pods, objects]) one.stop();
      await services.request(); // one under way ends
      await Promise.all([...running.values()].map((pod) => pod.kill()));
    },
  };
}

async function registerNode({ api, slot, kubeletPort }: PodRunnerOptions): Promise<void> {
  const now = new Date();
  await api.create("/api/v1/nodes", { metadata: { name: nodeName } });
  await api.patch(`/api/v1/nodes/${nodeName}/status`, {
    status: {
      addresses: [{ type: "InternalIP", address: slot.hostIp }],
      daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
      conditions: [
        { type: "Ready", status: "True", reason: "PodRunner", lastHeartbeatTime: now, lastTransitionTime: now },
      ],
    },
  });
}

function bind(api: KubeApi, pod: V1Pod): Promise<void> {
  const target = { apiVersion: "v1", kind: "Node", name: nodeName };
  const metadata = { name: pod.metadata?.name, uid: pod.metadata?.uid };
  return persist(() => api.create(`${pathOf(pod)}/binding`, { metadata, target }));
}

function pathOf({ metadata }: V1Pod): string {
  return `/api/v1/namespaces/${metadata?.namespace}/pods/${metadata?.name}`;
}
