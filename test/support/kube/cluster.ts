// A Kubernetes cluster of a test: a real API server with etcd and controllers, real kubectl, and, where the test names
// images, a node that runs pods as processes of this machine.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { locateKube } from "../../../setup/kube.mjs";
import { type UntilOptions, until } from "../wait.ts";
import type { KubeApi } from "./api.ts";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";
import { type Kubectl, kubectlOf } from "./kubectl.ts";
import { Network } from "./network.ts";
import { takeSlot } from "./slot.ts";

/** The node's name: a pod that a test gives any other `spec.nodeName` exists as an object only. */
export const nodeName = "node-1";

export interface Cluster {
  /** `https://198.18.0.1:6443`; the pods reach it there, too. */
  readonly server: string;
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  readonly kubectl: Kubectl;
  /** As the administrator, past kubectl. */
  readonly api: KubeApi;
  /** A folder for the test's files, gone with the cluster. */
  readonly dir: string;
  /** This machine's address as pods see it: a server of the test that pods call listens here. */
  readonly hostIp: string;
  /** The node's address: NodePorts answer on it. ClusterIPs and pods' addresses can be called from here, too. */
  readonly nodeIp: string;
  /** Kills the API server and starts it over the same data; resolves when it is ready. */
  restartApiServer(): Promise<void>;
  /** The same in two steps: with `false` it is down until a call with `true`. */
  setApiServer(running: boolean): Promise<void>;
  /** etcd stands still for `ms`; resolves when it goes on. */
  stopEtcd(ms: number): Promise<void>;
  /** Like {@link until}; shows the pods where it fails. */
  waitFor<T>(
    fact: () => T | Promise<T>,
    describe: string | (() => string),
    options?: UntilOptions,
  ): Promise<Exclude<T, undefined | null | false>>;
  /** Ends everything and leaves nothing behind. */
  close(): Promise<void>;
}

/** Takes about 3 s. Several may run at once, in one process or in many. */
export async function startCluster(): Promise<Cluster> {
  const kube = locateKube();
  if (!kube) throw new Error("no Kubernetes API is built on this machine: node setup/kube.mjs");
  const slot = await takeSlot();
  let controlPlane: ControlPlane | undefined;
  const close = async (): Promise<void> => {
    await controlPlane?.close();
    await slot.release();
  };
  try {
    await Network.create(slot);
    const podsDir = join(slot.dir, "pods");
    const dir = join(slot.dir, "test");
    for (const one of [podsDir, dir]) await mkdir(one);
    controlPlane = await startControlPlane(slot, kube, podsDir);
    const { server, kubeconfig, api, restartApiServer, setApiServer, stopEtcd } = controlPlane;
    const { hostIp, nodeIp } = slot;
    return {
      server,
      kubeconfig,
      api,
      dir,
      hostIp,
      nodeIp,
      kubectl: kubectlOf({ path: kube.kubectl, kubeconfig, home: slot.dir }),
      restartApiServer,
      setApiServer,
      stopEtcd,
      waitFor: until,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
