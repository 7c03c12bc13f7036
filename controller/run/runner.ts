import { realpathSync, statSync } from "node:fs";
import { gatewayLabels, gatewayName } from "../inject/gateway-template.ts";
import type { MeshSettings } from "../model/mesh.ts";
import type { AnyObject } from "../model/object.ts";
import { problemText } from "../model/problem.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { Claims } from "./claims.ts";
import { Fleet } from "./fleet.ts";
import { RunFolder } from "./folder.ts";
import { RunIdentity } from "./identity.ts";
import { type Interception, networkFor } from "./interception.ts";
import { markOf } from "./leftovers.ts";
import type { Network } from "./network.ts";
import { planOf } from "./plan.ts";
import { KeptProcess } from "./processes.ts";
import { changeLine, deathLines, eventLines, runLines } from "./report.ts";
import { accepts } from "./sockets.ts";
import { type Run, type RunService, runFolderOf } from "./state.ts";

/** How long the controller may take to end when asked to. */
const graceMs = 5000;
/** How long the controller may take to answer for the first time. */
const controllerMs = 60_000;
const trimLogsMs = 10_000;
const loopback = "127.0.0.1";

/** Tried first: Istio's ports, and the node port of the gateway in every walk through a mesh. */
const portsWanted = { xds: 15012, monitoring: 15014, gateway: 30000 } as const;

export interface RunnerOptions {
  /** Folder of YAML. */
  readonly dir: string;
  /** Those that the controller has. */
  readonly settings: MeshSettings;
  readonly interception: Interception;
}

export interface RunnerDeps {
  /**
   * Watches a folder: hands over all objects in force (a bad object's last good version among them), once and after
   * each change. Rejects where there is no such folder. Resolves with what ends the watch.
   */
  readonly watch: (dir: string, onObjects: (objects: readonly AnyObject[]) => void) => Promise<() => Promise<void>>;
  readonly envoyPath: string;
  /** This program, as `[node, main.ts]`: the controller is started with it. */
  readonly program: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly log: Log;
}

/** What doesn't change while it runs. */
type RunBase = Omit<Run, "controllerPid" | "pods" | "services" | "processes">;

/** One `sluice up`: the parent of a controller, of the Envoys and of the workloads that a folder of YAML describes. */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #deps: RunnerDeps;
  readonly #claims = new Claims();
  #folder: RunFolder | undefined;
  #network: Network | undefined;
  #controller: KeptProcess | undefined;
  #fleet: Fleet | undefined;
  #run: RunBase | undefined;
  #unwatch = async (): Promise<void> => {};
  #cancelTrim = (): void => {};
  #services: readonly RunService[] = [];
  /** Whether the table of what runs where is out. */
  #shown = false;
  /** What was said of the folder last, so that it is said once. */
  #complaints: ReadonlySet<string> = new Set();

  constructor(options: RunnerOptions, deps: RunnerDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /**
   * Resolves when everything is started, though perhaps not ready.
   *
   * @throws where the folder can't be read, a run of it is alive, the controller doesn't answer, or interception was asked
   *         for and is not possible. Then {@link stop} still has to be called.
   */
  async start(): Promise<void> {
    const { env, log, watch } = this.#deps;
    if (!statSync(this.#options.dir, { throwIfNoEntry: false })?.isDirectory())
      throw new Error(`there is no folder ${this.#options.dir}`);
    const dir = realpathSync(this.#options.dir);
    const { folder, ended } = await RunFolder.claim(runFolderOf(dir, env));
    this.#folder = folder;
    if (ended > 0) log.warn(`ended ${ended} processes that a crashed run had left`);
    const { network, line } = await networkFor(this.#options.interception);
    this.#network = network;
    const run = {
      dir,
      pid: process.pid,
      xds: network
        ? { address: network.address, port: portsWanted.xds } // the address is the run's alone
        : { address: loopback, port: await this.#claims.port(portsWanted.xds) },
      monitoringPort: await this.#claims.port(portsWanted.monitoring),
      gateway: { address: loopback, port: await this.#claims.port(portsWanted.gateway) },
      logs: folder.logs,
    };
    this.#run = run;
    const identity = await RunIdentity.open(folder.identity, this.#deps.clock);
    this.#fleet = this.#newFleet(run, folder, identity);
    this.#controller = this.#newController(run, folder);
    this.#controller.start();
    // Envoys wait for it: one that finds nobody waits before it tries again, and none can prove who serves it before.
    const answering = this.#answering(run.xds);
    answering.catch(() => {}); // told below, where there are objects by then
    const first = Promise.withResolvers<void>();
    this.#unwatch = await watch(this.#options.dir, (objects) => {
      answering.then(() => this.#apply(objects)).then(first.resolve, first.reject);
    });
    await first.promise;
    this.#trimLogs();
    for (const text of [...runLines(this.#state(run)), line, ""]) log.info(text);
    this.#shown = true;
  }

  /** Ends everything, in order, and removes the state folder. */
  async stop(): Promise<void> {
    await this.#unwatch();
    this.#cancelTrim();
    await this.#fleet?.stop();
    await this.#controller?.stop(graceMs);
    this.#network?.close();
    this.#folder?.remove();
    this.#claims.release();
  }

  /** Ends everything at once, without waiting: for when this process is about to end. */
  kill(): void {
    this.#fleet?.kill();
    this.#controller?.kill();
  }

  async #apply(objects: readonly AnyObject[]): Promise<void> {
    const { log } = this.#deps;
    const failures = (await this.#fleet?.apply(objects)) ?? [];
    this.#services = servicesOf(objects);
    this.#writeRun();
    const complaints = new Set([...planOf(objects).problems.map(problemText), ...failures]);
    for (const line of complaints) if (!this.#complaints.has(line)) log.error(line);
    this.#complaints = complaints;
  }

  #newFleet(run: RunBase, folder: RunFolder, identity: RunIdentity): Fleet {
    const { log } = this.#deps;
    const { dir, xds, gateway } = run;
    return new Fleet({
      ...this.#deps,
      ...(this.#network && { network: this.#network }),
      ...{ dir, xds, gateway, folder, identity, claims: this.#claims, settings: this.#options.settings },
      onEvent: (pod, what, event) => {
        this.#writeRun();
        for (const line of eventLines(pod.plan, what, event)) log.warn(line);
      },
      onChange: (pod, change) => {
        this.#writeRun();
        if (this.#shown || change !== "started") log.info(changeLine(pod.view, change));
      },
    });
  }

  #newController(run: RunBase, folder: RunFolder): KeptProcess {
    const { log, program, env, clock, random } = this.#deps;
    const sources = ["--config", this.#options.dir, "--config", folder.objects]; // as the user named it: so it stands in messages
    const xds = ["--identity", folder.identity, "--xds-address", run.xds.address, "--xds-port", String(run.xds.port)];
    const monitoring = ["--monitoring-port", String(run.monitoringPort)];
    return new KeptProcess({
      command: { argv: [...program, "controller", ...sources, ...xds, ...monitoring], cwd: process.cwd(), env },
      output: { line: (line) => log.info(line) },
      ...{ clock, random },
      onEvent: (event) => {
        this.#writeRun();
        if (event.state === "died") for (const line of deathLines("controller", event)) log.warn(line);
      },
    });
  }

  /** Resolves when the controller serves xDS; rejects where it has had its time. */
  async #answering({ address, port }: Run["xds"]): Promise<void> {
    const { clock } = this.#deps;
    const endMs = clock.nowMs() + controllerMs;
    while (!(await accepts(port, address))) {
      if (clock.nowMs() > endMs) throw new Error(`the controller does not answer on ${address}:${port}`);
      await new Promise<void>((resolve) => clock.after(50, resolve));
    }
  }

  #state(run: RunBase): Run {
    const { pid, mark } = this.#controller ?? {};
    const marks = [markOf(process.pid), mark, ...(this.#fleet?.marks ?? [])].filter((mark) => mark !== undefined);
    const controller = pid === undefined ? {} : { controllerPid: pid };
    const gateway = { name: gatewayName, namespace: this.#options.settings.rootNamespace, selector: gatewayLabels };
    const services = [gateway, ...this.#services];
    return { ...run, ...controller, pods: this.#fleet?.views ?? [], services, processes: marks };
  }

  #writeRun(): void {
    if (this.#run) this.#folder?.writeRun(this.#state(this.#run));
  }

  #trimLogs(): void {
    this.#folder?.trimLogs();
    this.#cancelTrim = this.#deps.clock.after(trimLogsMs, () => this.#trimLogs());
  }
}

function servicesOf(objects: readonly AnyObject[]): readonly RunService[] {
  const services = objects.filter((object) => object.kind === "Service");
  return services.map(({ meta: { name, namespace }, spec: { selector = {} } }) => ({ name, namespace, selector }));
}
