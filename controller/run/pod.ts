import { join } from "node:path";
import { nodeId } from "../model/names.ts";
import type { Proxy } from "../model/proxy.ts";
import type { Clock } from "../ports/clock.ts";
import { commandOf, type PlacedContainer } from "./container.ts";
import type { PlacedPod } from "./objects.ts";
import type { Place } from "./place.ts";
import type { PodPlan } from "./plan.ts";
import { type Command, KeptProcess, type ProcessEvent } from "./processes.ts";
import { accepts, answers } from "./sockets.ts";
import type { ProcessMark, RunPod } from "./state.ts";

/** How often an unready pod is asked, and a ready one. */
const askMs = { unready: 100, ready: 1000 } as const;
/** A ready pod that fails this often in a row no longer is: Kubernetes' failureThreshold. */
const failuresMax = 3;

export interface PodOptions extends Place {
  readonly plan: PodPlan;
  /** Where Envoy binds the ports of Sidecars and Gateways: the pod's own address, but for gateways. */
  readonly address: string;
  /** `cluster.local` */
  readonly domain: string;
  /** The watched folder. */
  readonly dir: string;
  readonly logs: string;
  readonly adminSocket: string;
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
  readonly #containers: readonly KeptProcess[];
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
    this.#containers = options.containers.map((placed) => keep(placed.container.name, commandOf(placed, options)));
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** As its Envoy describes itself. */
  get proxy(): Proxy {
    const { plan, address: ip, domain } = this.#options;
    const { name, namespace, type, labels, serviceAccount, workload } = plan;
    const id = nodeId({ type, ip, name, namespace, domain });
    return { id, type, ip, name, namespace, labels, serviceAccount, workload, interception: "NONE", version: "" };
  }

  get place(): Place {
    return this.#options;
  }

  get placed(): PlacedPod {
    const { plan, address: ip, appPorts } = this.#options;
    return { plan, ip, appPorts, ready: this.#ready };
  }

  get view(): RunPod {
    const { plan, ip, adminSocket, containers } = this.#options;
    const { name, namespace, workload, labels } = plan;
    const appPort = containers[0]?.appPort;
    const [envoyPid, appPid] = [this.#envoy.pid, this.#containers[0]?.pid];
    return {
      ...{ name, namespace, workload, labels, ip, adminSocket, ready: this.#ready },
      ...(envoyPid === undefined ? {} : { envoyPid }),
      ...(appPort === undefined ? {} : { appPort }),
      ...(appPid === undefined ? {} : { appPid }),
    };
  }

  get marks(): readonly ProcessMark[] {
    return [this.#envoy, ...this.#containers].flatMap(({ mark }) => mark ?? []);
  }

  start(): void {
    for (const container of this.#containers) container.start();
    this.#envoy.start();
    this.#ask();
  }

  async stopContainers(graceMs: number): Promise<void> {
    this.#stopped = true;
    this.#cancelAsk();
    await Promise.all(this.#containers.map((container) => container.stop(graceMs)));
  }

  async stopEnvoy(graceMs: number): Promise<void> {
    await this.#envoy.stop(graceMs);
  }

  kill(): void {
    this.#stopped = true;
    this.#cancelAsk();
    for (const process of [...this.#containers, this.#envoy]) process.kill();
  }

  /** Asks until the pod is stopped; containers and Envoy must both be able to serve. */
  async #ask(): Promise<void> {
    const { adminSocket, containers, clock } = this.#options;
    const facts = await Promise.all([
      answers({ socketPath: adminSocket, path: "/ready" }),
      ...containers.map((placed) => this.#takesTraffic(placed)),
    ]);
    if (this.#stopped) return;
    this.#failures = facts.every(Boolean) ? 0 : this.#failures + 1;
    if (this.#failures === 0) this.#setReady(true);
    else if (this.#failures >= failuresMax) this.#setReady(false);
    this.#cancelAsk = clock.after(this.#ready ? askMs.ready : askMs.unready, () => void this.#ask());
  }

  async #takesTraffic({ container, appPort }: PlacedContainer): Promise<boolean> {
    const { readinessProbe: probe } = container;
    if (probe === undefined) return appPort === undefined || accepts(appPort);
    const { containerPort } = container.ports.find(({ name }) => name === probe.port) ?? { containerPort: probe.port };
    const port = this.#options.appPorts.get(Number(containerPort)) ?? Number(containerPort);
    return answers({ port, path: probe.path });
  }

  #setReady(ready: boolean): void {
    if (ready === this.#ready) return;
    this.#ready = ready;
    this.#options.onReady(this);
  }
}
