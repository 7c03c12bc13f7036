import { randomUUID } from "node:crypto";
import { stringify } from "yaml";
import type { MeshSettings } from "../model/mesh.ts";
import type { AnyObject } from "../model/object.ts";
import { proxyName, proxyUid } from "../model/proxy.ts";
import type { Clock } from "../ports/clock.ts";
import type { Claims } from "./claims.ts";
import { envoyCommand } from "./envoy.ts";
import type { PodFolder, RunFolder } from "./folder.ts";
import { hostsText } from "./hosts.ts";
import { type RunIdentity, renewMs } from "./identity.ts";
import type { Network } from "./network.ts";
import { documentsOf } from "./objects.ts";
import { type Place, placeOf, placeWithin, type Taken } from "./place.ts";
import { gatewayPlan, type PodPlan, planOf, podKey } from "./plan.ts";
import { RunningPod } from "./pod.ts";
import type { ProcessEvent } from "./processes.ts";
import type { PodChange } from "./report.ts";
import type { ProcessMark, RunPod } from "./state.ts";

/** How long a pod that leaves still serves, so that every proxy has heard of it. */
const drainMs = 1000;
/** How long a process may take to end when asked to. */
const graceMs = 5000;

export interface FleetOptions {
  readonly dir: string;
  readonly settings: MeshSettings;
  readonly folder: RunFolder;
  readonly claims: Claims;
  /** Absent: traffic is not intercepted. */
  readonly network?: Network;
  readonly identity: RunIdentity;
  /** Where the controller serves xDS. */
  readonly xds: { readonly address: string; readonly port: number };
  readonly gateway: { readonly address: string; readonly port: number };
  readonly envoyPath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: () => number;
  /** `what`: `envoy`, or a container's name. */
  readonly onEvent: (pod: RunningPod, what: string, event: ProcessEvent) => void;
  readonly onChange: (pod: RunningPod, change: PodChange) => void;
}

/** All pods of a run, kept at what the Deployments ask for, and the objects that tell the controller of them. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #pods = new Map<string, RunningPod>();
  /** They serve out what they have and are in no object anymore. */
  readonly #leaving = new Set<RunningPod>();
  #objects: readonly AnyObject[] = [];
  /** The end of the queue of changes, which are made one after the other. */
  #settled: Promise<readonly string[]> = Promise.resolve([]);
  #stopping = false;
  #cancelRenewal = (): void => {};

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#renewLater();
  }

  get views(): readonly RunPod[] {
    return [...this.#pods.values()].map((pod) => pod.view);
  }

  get marks(): readonly ProcessMark[] {
    return [...this.#pods.values(), ...this.#leaving].flatMap((pod) => pod.marks);
  }

  /**
   * Starts and stops pods until they are those that `objects` ask for; the others are not touched.
   *
   * @returns what is in the way, one line each. Never rejects.
   */
  apply(objects: readonly AnyObject[]): Promise<readonly string[]> {
    this.#objects = objects;
    this.#settled = this.#settled.then(() => this.#settle()).catch((error: unknown) => [reason(error)]);
    return this.#settled;
  }

  /** Containers first, then the Envoys. Resolves when all are gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#cancelRenewal();
    await this.#settled;
    const pods = [...this.#pods.values(), ...this.#leaving];
    await Promise.all(pods.map((pod) => pod.stopContainers(graceMs)));
    await Promise.all(pods.map((pod) => pod.stopEnvoy(graceMs)));
    for (const pod of pods) pod.close();
  }

  kill(): void {
    this.#stopping = true;
    for (const pod of [...this.#pods.values(), ...this.#leaving]) pod.kill();
  }

  async #settle(): Promise<readonly string[]> {
    if (this.#stopping) return [];
    const failures: string[] = [];
    const plans = [gatewayPlan(this.#options.settings.rootNamespace), ...planOf(this.#objects).pods];
    const added: RunningPod[] = [];
    for (const plan of plans.filter((plan) => !this.#pods.has(podKey(plan)))) {
      try {
        const pod = await this.#newPod(plan);
        this.#pods.set(podKey(plan), pod);
        added.push(pod);
      } catch (error) {
        failures.push(reason(error));
      }
    }
    this.#retire(new Set(plans.map(podKey)));
    this.#writeObjects(); // before anything starts: the controller knows a proxy when it first calls
    for (const pod of added) {
      pod.start();
      this.#options.onChange(pod, "started");
    }
    return failures;
  }

  /** Ends what is no longer wanted; what is being replaced serves until its successors are ready. */
  #retire(wanted: ReadonlySet<string>): void {
    const { clock, onChange } = this.#options;
    const waiting = new Set(
      [...this.#pods].filter(([key, pod]) => wanted.has(key) && !pod.ready).map(([, { plan }]) => workloadOf(plan)),
    );
    for (const [key, pod] of this.#pods) {
      if (wanted.has(key) || (pod.ready && waiting.has(workloadOf(pod.plan)))) continue;
      this.#pods.delete(key);
      this.#leaving.add(pod);
      onChange(pod, "stopping");
      clock.after(pod.ready ? drainMs : 0, async () => {
        if (this.#stopping) return;
        await pod.stopContainers(graceMs);
        await pod.stopEnvoy(graceMs);
        this.#leaving.delete(pod);
        pod.close();
      });
    }
  }

  async #newPod(plan: PodPlan): Promise<RunningPod> {
    const { folder, settings, gateway, network, identity, onChange } = this.#options;
    const uid = randomUUID();
    const podFolder = folder.newPodFolder(network && plan.type === "sidecar" ? proxyUid : undefined);
    const place = await this.#placeOf(plan, podFolder).catch((error: unknown) => {
      podFolder.remove();
      throw error;
    });
    const roots = await identity.roots();
    const pod = new RunningPod({
      ...this.#options,
      ...{ ...place, plan, uid, folder: podFolder },
      address: plan.type === "router" ? gateway.address : place.ip,
      logs: folder.logs,
      domain: settings.domain,
      envoy: (proxy) => envoyCommand(proxy, { ...this.#options, plan, place, folder: podFolder, roots }),
      onReady: (pod) => {
        onChange(pod, pod.ready ? "ready" : "not ready");
        void this.apply(this.#objects);
      },
    });
    await this.#giveToken(pod);
    return pod;
  }

  async #giveToken(pod: RunningPod): Promise<void> {
    const { namespace, serviceAccount, name } = pod.plan;
    const { uid } = pod.placed;
    pod.writeToken(await this.#options.identity.token({ namespace, serviceAccount, pod: { name, uid } }));
  }

  #renewLater(): void {
    this.#cancelRenewal = this.#options.clock.after(renewMs, () => {
      for (const pod of this.#pods.values()) this.#giveToken(pod).catch(() => {}); // it has just gone
      this.#renewLater();
    });
  }

  /** The gateway is where callers from outside are; all others have namespaces of their own, if any has. */
  async #placeOf(plan: PodPlan, { path }: PodFolder): Promise<Place> {
    const { folder, network, claims, envoyPath } = this.#options;
    const taken = this.#taken();
    if (!network || plan.type === "router") return placeOf(plan, taken, claims);
    const number = network.numbers.find((one) => !taken.ips.has(network.addressOf(one)));
    if (number === undefined) throw new Error(`${plan.name}: all ${network.numbers.length} addresses are in use`);
    this.#writeHosts(plan.namespace);
    const hostsFile = folder.hostsFile(plan.namespace);
    const namespaces = await network.pod({ number, hostsFile, folder: path, envoyPath });
    return placeWithin(namespaces, network.addressOf(number), plan);
  }

  #taken(): Taken {
    const pods = [...this.#pods.values(), ...this.#leaving].map((pod) => pod.place);
    return {
      ips: new Set(pods.map(({ ip }) => ip)),
      appPorts: new Set(pods.flatMap(({ appPorts }) => [...appPorts.values()])),
    };
  }

  #writeObjects(): void {
    const { settings, folder, gateway } = this.#options;
    const surroundings = { objects: this.#objects, settings, gatewayPort: gateway.port };
    const files = [...this.#pods.values()].map(({ placed }): [string, string] => [
      `${proxyName(placed.plan)}.yaml`,
      documentsOf(placed, surroundings)
        .map((document) => stringify(document))
        .join("---\n"),
    ]);
    folder.writeObjects(new Map(files));
    const intercepted = [...this.#pods.values()].filter(({ placed }) => placed.intercepted);
    for (const namespace of new Set(intercepted.map(({ plan }) => plan.namespace))) this.#writeHosts(namespace);
  }

  #writeHosts(namespace: string): void {
    const { folder, settings } = this.#options;
    const pods = [...this.#pods.values()].map(({ placed }) => placed);
    folder.writeHosts(namespace, hostsText(namespace, { objects: this.#objects, pods, domain: settings.domain }));
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function workloadOf({ namespace, workload }: PodPlan): string {
  return `${namespace}/${workload}`;
}
