import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { V1Container, V1Pod, V1PodCondition } from "@kubernetes/client-node";
import { type KubeApi, persist } from "./api.ts";
import { Coalesced } from "./coalesced.ts";
import { Container } from "./container.ts";
import { type Mount, namesDir, type Plan, userOf } from "./container-script.ts";
import { expand } from "./expand.ts";
import { type Images, imageOf } from "./images.ts";
import type { Network, PodNetwork } from "./network.ts";
import type { Objects } from "./objects.ts";
import { environmentOf } from "./pod-env.ts";
import type { Placement } from "./pod-fields.ts";
import { podStatus } from "./pod-status.ts";
import { PodTokens } from "./pod-token.ts";
import { PodVolumes } from "./pod-volumes.ts";

/** Between attempts to write volumes while something is missing that they are made from. */
const retryMs = 50;

/** What pods need of their node. */
export interface PodHost {
  readonly api: KubeApi;
  readonly objects: Objects;
  readonly network: Network;
  readonly images: Images;
  readonly nodeName: string;
  readonly hostIp: string;
  /** The kubelet's root: `<namespace>/<pod>/` below it. */
  readonly podsDir: string;
  readonly memoryDir: string;
  /** `/etc/hosts` of a pod, as Services are now. */
  readonly hosts: (pod: { name: string; namespace: string; ip: string }) => string;
}

/** A pod of this node, from its binding to its end. */
export class Pod {
  #pod: V1Pod;
  readonly #host: PodHost;
  readonly #dir: string;
  readonly #memoryDir: string;
  readonly #startTime = new Date();
  readonly #tokens: PodTokens;
  #network: PodNetwork | undefined;
  #volumes: PodVolumes | undefined;
  #init: readonly Container[] = [];
  #main: readonly Container[] = [];
  #conditions: readonly V1PodCondition[] = [];
  #sent = "";
  readonly #status = new Coalesced(() => this.#writeStatus());
  readonly #names = new Coalesced(() => this.#writeHosts());
  readonly #volumeFiles = new Coalesced(() => this.#writeVolumes());
  #renewal: NodeJS.Timeout | undefined;
  #stopping = false;
  /** No more calls to the API server. */
  #closed = false;
  readonly #done: Promise<void>;
  #removed: Promise<void> | undefined;

  constructor(pod: V1Pod, host: PodHost) {
    this.#pod = pod;
    this.#host = host;
    this.#dir = join(host.podsDir, pod.metadata?.namespace ?? "", pod.metadata?.name ?? "");
    this.#memoryDir = join(host.memoryDir, pod.metadata?.uid ?? "");
    this.#tokens = new PodTokens(host.api);
    this.#done = this.#run().catch((error: unknown) => {
      process.stderr.write(`pod ${this.#dir}: ${error}\n`); // a fault of the pod runner, not of the pod
    });
  }

  /** The pod as the API server holds it now: labels and annotations may be in a volume. */
  update(pod: V1Pod): void {
    this.#pod = pod;
    this.refresh();
  }

  /** Rewrites the volumes, after a change of what they are made from. */
  refresh(): void {
    if (this.#volumes && !this.#stopping) void this.#volumeFiles.request();
  }

  /** Rewrites the names of Services. */
  writeNames(): Promise<void> {
    return this.#names.request();
  }

  async #writeHosts(): Promise<void> {
    if (!this.#network || this.#stopping) return;
    const { name = "", namespace = "" } = this.#pod.metadata ?? {};
    const file = join(this.#dir, "names", "hosts");
    await writeFile(`${file}.new`, this.#host.hosts({ name, namespace, ip: this.#network.ip }));
    await rename(`${file}.new`, file);
  }

  /** Ends it as its deletion asks, and tells the API server when it has ended. */
  async terminate(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    const { deletionGracePeriodSeconds, uid } = this.#pod.metadata ?? {};
    const graceMs = (deletionGracePeriodSeconds ?? 30) * 1000;
    await this.#end(graceMs);
    await this.#done;
    await this.#remove();
    await this.#status.request();
    await this.#call(() => this.#host.api.delete(this.#path(), { gracePeriodSeconds: 0, preconditions: { uid } }));
    this.#closed = true;
  }

  /** Ends it at once: it is gone from the API server, or the cluster ends. */
  async kill(): Promise<void> {
    this.#closed = true;
    this.#stopping = true;
    for (const one of [...this.#init, ...this.#main]) one.kill();
    await this.#done;
    await this.#remove();
  }

  async #run(): Promise<void> {
    const { network, hostIp, nodeName, objects } = this.#host;
    await rm(this.#dir, { recursive: true, force: true }); // of a pod of this name before it
    await mkdir(join(this.#dir, "names"), { recursive: true });
    this.#network = await network.addPod();
    const placement: Placement = { podIp: this.#network.ip, hostIp, nodeName };
    await writeFile(join(this.#dir, "netns"), this.#network.netns);
    await writeFile(join(this.#dir, "names", "resolv.conf"), "nameserver 127.0.0.1\n"); // answers nobody: names are in hosts
    await this.writeNames();
    const { spec } = this.#pod;
    this.#init = (spec?.initContainers ?? []).map((one) => this.#container(one, placement, "init"));
    this.#main = (spec?.containers ?? []).map((one) => this.#container(one, placement, "main"));
    this.#volumes = new PodVolumes({
      dir: join(this.#dir, "volumes"),
      memoryDir: this.#memoryDir,
      objects,
      placement,
      token: (projection) => this.#tokens.get(this.#pod, projection),
    });
    this.#changed();
    await this.#volumeFiles.request();
    const staying: Promise<void>[] = [];
    for (const one of this.#init) {
      if (this.#stopping) break;
      const ended = one.run();
      if (one.isSidecar) staying.push(ended);
      await (one.isSidecar ? Promise.race([one.hasStarted, ended]) : ended);
      if (!one.isInitialized) break;
    }
    if (!this.#stopping && this.#init.every((one) => one.isInitialized)) {
      await Promise.all(this.#main.map((one) => one.run()));
    }
    if (!this.#stopping) await this.#end((this.#pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000);
    await Promise.all(staying);
  }

  /** Those that stay beside the others end after them, the last one that started first; their hooks run at once. */
  async #end(graceMs: number): Promise<void> {
    const others = [...this.#init.filter((one) => !one.isSidecar), ...this.#main];
    let turn: Promise<unknown> = Promise.all(others.map((one) => one.stop(graceMs)));
    for (const one of this.#init.filter(({ isSidecar }) => isSidecar).reverse()) turn = one.stop(graceMs, turn);
    await turn;
  }

  /** Until it has worked. */
  async #writeVolumes(): Promise<void> {
    clearTimeout(this.#renewal);
    while (!this.#stopping) {
      try {
        await this.#volumes?.write(this.#pod);
        break;
      } catch (error) {
        for (const one of [...this.#init, ...this.#main]) one.waits(error);
        await pause(retryMs);
      }
    }
    const { renewAtMs } = this.#tokens;
    if (renewAtMs === undefined || this.#stopping) return;
    clearTimeout(this.#renewal);
    this.#renewal = setTimeout(() => this.refresh(), Math.max(0, renewAtMs - Date.now()));
  }

  #container(spec: V1Container, placement: Placement, kind: "init" | "main"): Container {
    const file = (extension: string): string => join(this.#dir, `${spec.name}.${extension}`);
    const policy = this.#pod.spec?.restartPolicy ?? "Always";
    return new Container({
      spec,
      podIp: placement.podIp,
      plan: () => this.#plan(spec, placement),
      files: { log: file("log"), previousLog: file("previous.log"), pid: file("pid") },
      restart: spec.restartPolicy ?? (kind === "init" && policy === "Always" ? "OnFailure" : policy),
      graceMs: (this.#pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000,
      onChange: () => this.#changed(),
    });
  }

  async #plan(spec: V1Container, placement: Placement): Promise<Plan> {
    const unknown = [
      this.#pod.spec?.hostNetwork && "hostNetwork",
      spec.restartPolicy && spec.restartPolicy !== "Always" && "restartPolicy of a container",
      spec.lifecycle?.postStart && "postStart",
    ].filter((one) => typeof one === "string");
    if (unknown.length > 0) throw new Error(`the pod runner does not know ${unknown.join(", ")}`);
    const image = imageOf(this.#host.images, spec.image ?? "");
    const env = environmentOf(this.#pod, spec, { objects: this.#host.objects, placement });
    const argv = [...(spec.command ?? image.entrypoint), ...(spec.args ?? [])].map((word) => expand(word, env));
    const rootDir = join(this.#dir, "roots", spec.name);
    await mkdir(rootDir, { recursive: true });
    return {
      netns: this.#network?.netns ?? "",
      rootDir,
      mounts: [
        ...Object.entries(image.files ?? {}).map(([target, source]) => ({ source, target, readOnly: true })),
        { source: join(this.#dir, "names"), target: namesDir, readOnly: true },
        ...this.#volumeMounts(spec, env),
      ],
      env,
      argv,
      workingDir: spec.workingDir ?? image.workingDir ?? "/",
      readOnlyRoot: spec.securityContext?.readOnlyRootFilesystem === true,
      user: userOf(this.#pod, spec, image),
    };
  }

  /** Outer ones first: a mount hides what was mounted below it before. */
  #volumeMounts({ volumeMounts = [] }: V1Container, env: ReadonlyMap<string, string>): readonly Mount[] {
    return volumeMounts
      .map(({ name, mountPath, readOnly, subPath, subPathExpr }) => {
        const volume = this.#pod.spec?.volumes?.find((one) => one.name === name);
        const inside = subPath ?? (subPathExpr === undefined ? "" : expand(subPathExpr, env));
        const source = join(this.#volumes?.path(this.#pod, name) ?? "", inside);
        return { source, target: mountPath, readOnly: readOnly === true || volume?.emptyDir === undefined };
      })
      .sort((a, b) => a.target.length - b.target.length);
  }

  #remove(): Promise<void> {
    const remove = async (): Promise<void> => {
      clearTimeout(this.#renewal);
      await this.#network?.remove();
      await this.#volumeFiles.request(); // one under way ends, and starts no more
      for (const dir of [join(this.#dir, "volumes"), this.#memoryDir]) await rm(dir, { recursive: true, force: true });
    };
    this.#removed ??= remove();
    return this.#removed;
  }

  #path(subresource = ""): string {
    return `/api/v1/namespaces/${this.#pod.metadata?.namespace}/pods/${this.#pod.metadata?.name}${subresource}`;
  }

  #changed(): void {
    void this.#status.request();
  }

  async #writeStatus(): Promise<void> {
    const status = podStatus(
      {
        pod: this.#pod,
        podIp: this.#network?.ip,
        hostIp: this.#host.hostIp,
        startTime: this.#startTime,
        init: this.#init,
        main: this.#main,
      },
      this.#conditions,
      new Date(),
    );
    this.#conditions = status.conditions ?? [];
    const text = JSON.stringify(status);
    if (text === this.#sent) return;
    const metadata = { uid: this.#pod.metadata?.uid }; // not that of the next pod of this name
    await this.#call(() => this.#host.api.patch(this.#path("/status"), { metadata, status }));
    this.#sent = text;
  }

  #call(call: () => Promise<unknown>): Promise<void> {
    return persist(call, () => this.#closed);
  }
}
