import { join } from "node:path";
import { stringify } from "yaml";
import { bootstrap } from "../inject/bootstrap.ts";
import type { MeshSettings } from "../model/mesh.ts";
import type { AnyObject } from "../model/object.ts";
import { type Proxy, proxyName } from "../model/proxy.ts";
import type { Clock } from "../ports/clock.ts";
import type { Claims } from "./claims.ts";
import type { RunFolder } from "./folder.ts";
import { documentsOf } from "./objects.ts";
import { listenPorts, placeOf, type Taken } from "./place.ts";
import { gatewayPlan, type PodPlan, planOf, podKey } from "./plan.ts";
import { RunningPod } from "./pod.ts";
import type { Command, ProcessEvent } from "./processes.ts";
import type { PodChange } from "./report.ts";
import type { ProcessMark, RunPod } from "./state.ts";

/** How long a pod that leaves still serves, so that every proxy has heard of it. */
const drainMs = 1000;
/** How long a process may take to end when asked to. */
const graceMs = 5000;

/** Two workers, so that what filters share between workers is seen at work; a misspelt field is an error. */
const envoyFlags =
  "--concurrency 2 --drain-time-s 45 --drain-strategy immediate --disable-hot-restart --reject-unknown-dynamic-fields --file-flush-interval-msec 1000 --log-level warning".split(
    " ",
  );

export interface FleetOptions {
  readonly dir: string;
  readonly settings: MeshSettings;
  readonly folder: RunFolder;
  readonly claims: Claims;
  readonly xdsPort: number;
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

  constructor(options: FleetOptions) {
    this.#options = options;
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
    await this.#settled;
    const pods = [...this.#pods.values(), ...this.#leaving];
    await Promise.all(pods.map((pod) => pod.stopContainers(graceMs)));
    await Promise.all(pods.map((pod) => pod.stopEnvoy(graceMs)));
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
      });
    }
  }

  async #newPod(plan: PodPlan): Promise<RunningPod> {
    const { folder, claims, settings, gateway, onEvent, onChange, ...rest } = this.#options;
    const place = await placeOf(plan, this.#taken(), claims);
    const adminSocket = join(folder.path, `${place.ip.split(".").at(-1)}.sock`);
    return new RunningPod({
      ...{ ...rest, ...place, plan, adminSocket, onEvent },
      address: plan.type === "router" ? gateway.address : place.ip,
      logs: folder.logs,
      domain: settings.domain,
      envoy: (proxy) => this.#envoyCommand(proxy, { ip: place.ip, adminSocket }),
      onReady: (pod) => {
        onChange(pod, pod.ready ? "ready" : "not ready");
        void this.apply(this.#objects);
      },
    });
  }

  #envoyCommand(proxy: Proxy, { ip: address, adminSocket }: { ip: string; adminSocket: string }): Command {
    const { settings, xdsPort, folder, envoyPath, env } = this.#options;
    const { prometheus, ready, admin } = listenPorts;
    const config = bootstrap({
      ...{ proxy, settings, adminSocket },
      xds: { address: "127.0.0.1", port: xdsPort },
      listen: {
        prometheus: { address, port: prometheus },
        ready: { address, port: ready },
        admin: { address, port: admin },
      },
    });
    const file = folder.writeBootstrap(proxyName(proxy), JSON.stringify(config, null, 2));
    return { argv: [envoyPath, "-c", file, ...envoyFlags], cwd: folder.path, env };
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
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function workloadOf({ namespace, workload }: PodPlan): string {
  return `${namespace}/${workload}`;
}
