import { join } from "node:path";
import { probePort } from "../inject/probes.ts";
import { nodeId } from "../model/names.ts";
import type { Proxy } from "../model/proxy.ts";
import type { Clock } from "../ports/clock.ts";
import { commandOf, type PlacedContainer } from "./container.ts";
import { adminSocketOf, podFiles, readinessPath } from "./envoy.ts";
import type { PodFolder } from "./folder.ts";
import type { PlacedPod } from "./objects.ts";
import type { Place } from "./place.ts";
import type { PodPlan } from "./plan.ts";
import { type Command, KeptProcess, type ProcessEvent } from "./processes.ts";
import { accepts, answers, listens } from "./sockets.ts";
import type { ProcessMark, RunPod } from "./state.ts";

/** How often an unready pod is asked, and a ready one. */
const askMs = { unready: 100, ready: 1000 } as const;
/** A ready pod that fails this often in a row no longer is: Kubernetes' failureThreshold. */
const failuresMax = 3;

export interface PodOptions extends Place {
  readonly plan: PodPlan;
  readonly uid: string;
  /** Where Envoy binds the ports of Sidecars and Gateways: the pod's own address, but for gateways. */
  readonly address: string;
  /** `cluster.local` */
  readonly domain: string;
  /** The watched folder. */
  readonly dir: string;
  readonly logs: string;
  /** What its Envoy reads and listens on. */
  readonly folder: PodFolder;
  readonly envoy: (proxy: Proxy) => Command;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: () => number;
  /** `what`: `envoy`, or the container's name. */
  readonly onEvent: (pod: RunningPod, what: string, event: ProcessEvent) => void;
  readonly onReady: (pod: RunningPod) => void;
}

/** One pod: the processes of its containers, its Envoy, and whether it can take traffic. */
export class RunningPod {
  readonly plan: PodPlan;
  readonly #options: PodOptions;
  readonly #envoy: KeptProcess;
  readonly #containers: readonly { readonly placed: PlacedContainer; readonly process: KeptProcess }[];
  #ready = false;
  #failures = 0;
  #cancelAsk = (): void => {};
  #stopped = false;

  constructor(options: PodOptions) {
    const { plan, logs, clock, random, onEvent } = options;
    this.plan = plan;
    this.#options = options;
    const keep = (what: string, command: Command): KeptProcess =>
      new KeptProcess({
        command,
        output: { file: join(logs, `${what === "envoy" ? "envoy-" : ""}${plan.name}.log`) },
        clock,
        random,
        onEvent: (event) => {
          if (event.state === "died") this.#setReady(false);
          onEvent(this, what, event);
        },
      });
    this.#envoy = keep("envoy", options.envoy(this.proxy));
    this.#containers = options.containers.map((placed) => ({
      placed,
      process: keep(placed.container.name, commandOf(placed, options)),
    }));
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** As its Envoy describes itself. */
  get proxy(): Proxy {
    const { plan, address: ip, domain, namespaces } = this.#options;
    const { name, namespace, type, labels, serviceAccount, workload } = plan;
    const id = nodeId({ type, ip, name, namespace, domain });
    const interception = namespaces ? "REDIRECT" : "NONE";
    return { id, type, ip, name, namespace, labels, serviceAccount, workload, interception, version: "" };
  }

  get place(): Place {
    return this.#options;
  }

  get placed(): PlacedPod {
    const { plan, uid, address: ip, appPorts, namespaces } = this.#options;
    return { plan, uid, ip, appPorts, ready: this.#ready, intercepted: namespaces !== undefined };
  }

  get view(): RunPod {
    const { plan, ip, folder, namespaces } = this.#options;
    const adminSocket = adminSocketOf(folder);
    const { name, namespace, workload, labels } = plan;
    const [first] = this.#containers;
    const [envoyPid, appPid, appPort] = [this.#envoy.pid, first?.process.pid, first?.placed.appPort];
    return {
      ...{ name, namespace, workload, labels, ip, adminSocket, ready: this.#ready },
      ...(namespaces ? { namespaces: { net: namespaces.net, mount: namespaces.mount } } : {}),
      ...(envoyPid === undefined ? {} : { envoyPid }),
      ...(appPort === undefined ? {} : { appPort }),
      ...(appPid === undefined ? {} : { appPid }),
    };
  }

  get marks(): readonly ProcessMark[] {
    return this.#processes.flatMap(({ mark }) => mark ?? []);
  }

  get #processes(): readonly KeptProcess[] {
    return [this.#envoy, ...this.#containers.map(({ process }) => process)];
  }

  start(): void {
    for (const { process } of this.#containers) process.start();
    this.#envoy.start();
    this.#ask();
  }

  async stopContainers(graceMs: number): Promise<void> {
    this.#stopped = true;
    this.#cancelAsk();
    await Promise.all(this.#containers.map(({ process }) => process.stop(graceMs)));
  }

  async stopEnvoy(graceMs: number): Promise<void> {
    await this.#envoy.stop(graceMs);
  }

  /** Gives back what was made for it; after everything has ended. */
  close(): void {
    this.#options.namespaces?.close();
    this.#options.folder.remove();
  }

  /** The token with which its Envoy proves itself from the next stream on. */
  writeToken(token: string): void {
    this.#options.folder.write(podFiles.token, token);
  }

  kill(): void {
    this.#stopped = true;
    this.#cancelAsk();
    for (const process of this.#processes) process.kill();
  }

  /** Asks until the pod is stopped; containers and Envoy must both be able to serve. */
  async #ask(): Promise<void> {
    const { folder, clock } = this.#options;
    const facts = await Promise.all([
      answers({ socketPath: adminSocketOf(folder), path: "/ready" }),
      ...this.#containers.map(({ placed, process }) => this.#takesTraffic(placed, process.pid)),
    ]);
    if (this.#stopped) return;
    this.#failures = facts.every(Boolean) ? 0 : this.#failures + 1;
    if (this.#failures === 0) this.#setReady(true);
    else if (this.#failures >= failuresMax) this.#setReady(false);
    this.#cancelAsk = clock.after(this.#ready ? askMs.ready : askMs.unready, () => void this.#ask());
  }

  async #takesTraffic({ container, appPort }: PlacedContainer, pid: number | undefined): Promise<boolean> {
    const { namespaces, ip, appPorts } = this.#options;
    const { readinessProbe: probe } = container;
    if (probe === undefined && namespaces) return pid !== undefined && (appPort === undefined || listens(pid, appPort));
    if (probe === undefined) return appPort === undefined || accepts(appPort);
    if (namespaces) return answers({ host: ip, port: probePort, path: readinessPath(container.name) });
    const { containerPort } = container.ports.find(({ name }) => name === probe.port) ?? { containerPort: probe.port };
    const port = appPorts.get(Number(containerPort)) ?? Number(containerPort);
    return answers({ port, path: probe.path });
  }

  #setReady(ready: boolean): void {
    if (ready === this.#ready) return;
    this.#ready = ready;
    this.#options.onReady(this);
  }
}
