// A Kubernetes cluster of a test: a real API server with etcd and controllers, real kubectl, and, where the test names
// images, a node that runs pods as processes of this machine.
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { locateKube } from "../../../setup/kube.mjs";
import { type UntilOptions, until } from "../wait.ts";
import type { KubeApi } from "./api.ts";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";
import { type Forward, forward } from "./forward.ts";
import type { Images } from "./images.ts";
import { type Kubectl, kubectlOf } from "./kubectl.ts";
import { Network } from "./network.ts";
import { type PodRunner, startPodRunner } from "./pod-runner.ts";
import { podReport } from "./report.ts";
import { takeSlot } from "./slot.ts";

/** How long {@link Cluster.waitFor} hopes: pods with a sidecar take their time on a busy machine. */
const deadlineMs = 60_000;

export interface ClusterOptions {
  /** What the node can run; without any there is no node, and pods are objects only. */
  readonly images?: Images;
  /** How long after a pod its endpoints follow. Default: 0. */
  readonly endpointLagMs?: number;
}

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
  /** Listens on 127.0.0.1 and passes connections on to a NodePort, as a cluster on a laptop does; ends with the cluster. */
  forwardNodePort(nodePort: number, localPort?: number): Promise<Forward>;
  /** Of a container's first process, as this machine sees it; `undefined` where it doesn't run. */
  pidOf(container: {
    readonly namespace: string;
    readonly pod: string;
    readonly name: string;
  }): Promise<number | undefined>;
  /** The network namespace of the node, through which all goes that pods say to each other. */
  readonly nodeNetns: string;
  /**
   * What of the control plane has ended, and every pod that isn't an object only: its containers' states and the ends of
   * their logs.
   */
  report(): Promise<string>;
  /** Kills the API server and starts it over the same data; resolves when it is ready. */
  restartApiServer(): Promise<void>;
  /** The same in two steps: with `false` it is down until a call with `true`. */
  setApiServer(running: boolean): Promise<void>;
  /** etcd stands still for `ms`; resolves when it goes on. */
  stopEtcd(ms: number): Promise<void>;
  /** Like {@link until}, for 60 s; shows the {@link Cluster.report} where it fails. */
  waitFor<T>(
    fact: () => T | Promise<T>,
    describe: string | (() => string),
    options?: UntilOptions,
  ): Promise<Exclude<T, undefined | null | false>>;
  /** Ends everything and leaves nothing behind. */
  close(): Promise<void>;
}

/** Takes about 3 s. Several may run at once, in one process or in many. */
export async function startCluster({ images, endpointLagMs = 0 }: ClusterOptions = {}): Promise<Cluster> {
  const kube = locateKube();
  if (!kube) throw new Error("no Kubernetes API is built on this machine: node setup/kube.mjs");
  const slot = await takeSlot();
  const forwards: Forward[] = [];
  let controlPlane: ControlPlane | undefined;
  let runner: PodRunner | undefined;
  const close = async (): Promise<void> => {
    for (const one of forwards) one.close();
    await runner?.close();
    await controlPlane?.close();
    await slot.release();
  };
  try {
    const network = await Network.create(slot);
    const podsDir = join(slot.dir, "pods");
    const dir = join(slot.dir, "test");
    for (const one of [podsDir, dir]) await mkdir(one);
    controlPlane = await startControlPlane(slot, kube, { podsDir, endpointLagMs });
    const { api, kubeletPort, ends, ...rest } = controlPlane;
    if (images) runner = await startPodRunner({ api, slot, network, images, podsDir, kubeletPort });
    const report = async (): Promise<string> => {
      const pods = await podReport(api, podsDir).catch((error: unknown) => `pods can't be listed: ${error}`);
      return [...ends(), pods].join("\n");
    };
    return {
      ...rest,
      api,
      dir,
      hostIp: slot.hostIp,
      nodeIp: slot.nodeIp,
      nodeNetns: slot.name,
      async pidOf({ namespace, pod, name }) {
        const text = await readFile(join(podsDir, namespace, pod, `${name}.pid`), "utf8").catch(() => "");
        return text === "" ? undefined : Number(text);
      },
      kubectl: kubectlOf({ path: kube.kubectl, kubeconfig: rest.kubeconfig, home: slot.dir }),
      async forwardNodePort(nodePort, localPort = 0) {
        const made = await forward({ host: slot.nodeIp, port: nodePort }, localPort);
        forwards.push(made);
        return made;
      },
      report,
      async waitFor(fact, describe, options) {
        try {
          return await until(fact, describe, { deadlineMs, ...options });
        } catch (error) {
          throw new Error(`${error instanceof Error ? error.message : error}\n${await report()}`, { cause: error });
        }
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
