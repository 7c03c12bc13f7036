import { existsSync } from "node:fs";
import { rename } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import type { V1Container, V1ContainerState, V1LifecycleHandler, V1Probe } from "@kubernetes/client-node";
import { type ContainerProcess, type Exit, execIn, startProcess } from "./container-process.ts";
import type { Plan } from "./container-script.ts";
import { ProbeLoop, type ProbeTarget, probeOnce } from "./probes.ts";

/** Between attempts to start what can't start yet: a ConfigMap that isn't there. */
const retryMs = 50;
/** A tenth of a second, doubled with every restart up to this; the kubelet's ten seconds would only slow the tests. */
const backoffMsMax = 5_000;

export interface ContainerOptions {
  readonly spec: V1Container;
  readonly podIp: string;
  /** How it is to be run now; throws while something is missing. */
  readonly plan: () => Promise<Plan>;
  readonly files: { readonly log: string; readonly previousLog: string; readonly pid: string };
  /** Its own or its pod's `restartPolicy`; that of an init container which only has to succeed once is never `Always`. */
  readonly restart: string;
  readonly graceMs: number;
  readonly onChange: () => void;
}

/** One container of a pod: started, probed, restarted, and at last stopped. */
export class Container {
  readonly spec: V1Container;
  state: V1ContainerState = { waiting: { reason: "ContainerCreating" } };
  lastState: V1ContainerState = {};
  restartCount = 0;
  /** Its startup probe has succeeded. */
  started = false;
  ready = false;
  /** Its process; absent while it doesn't run. */
  #process: (ContainerProcess & { readonly plan: Plan }) | undefined;
  #loops: ProbeLoop[] = [];
  readonly #options: ContainerOptions;
  readonly #stopping = new AbortController();
  readonly #firstStart = Promise.withResolvers<void>();
  #wasStarted = false;

  constructor(options: ContainerOptions) {
    this.spec = options.spec;
    this.#options = options;
  }

  /** An init container that stays. */
  get isSidecar(): boolean {
    return this.spec.restartPolicy === "Always";
  }

  /** Resolves when its startup probe has succeeded for the first time. */
  get hasStarted(): Promise<void> {
    return this.#firstStart.promise;
  }

  /** What an init container must do before the next container starts. */
  get isInitialized(): boolean {
    return this.isSidecar ? this.#wasStarted : this.succeeded;
  }

  /** Ended with exit code 0, for good. */
  get succeeded(): boolean {
    return this.state.terminated?.exitCode === 0;
  }

  /** Resolves when it has ended and won't start again. */
  async run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const exit = await this.#runOnce();
      if (signal.aborted || (exit && !this.#restartsAfter(exit))) return;
      const waitMs = exit ? Math.min(backoffMsMax, 100 * 2 ** Math.min(this.restartCount, 10)) : retryMs;
      if (exit) {
        this.lastState = this.state;
        this.#set({ waiting: { reason: "CrashLoopBackOff", message: `back-off ${waitMs} ms` } });
      }
      await pause(waitMs, undefined, { signal }).catch(() => {});
      if (signal.aborted || !exit) continue;
      this.restartCount++;
      if (existsSync(this.#options.files.log)) await rename(this.#options.files.log, this.#options.files.previousLog);
    }
  }

  /** Ends it: the preStop hook, SIGTERM when its `turn` has come, and SIGKILL after `graceMs` in all. */
  async stop(graceMs: number, turn?: Promise<unknown>): Promise<void> {
    this.#stopping.abort();
    await this.#end(graceMs, turn);
  }

  /** Says why it doesn't start yet, where it hasn't started. */
  waits(error: unknown): void {
    if (this.state.waiting) this.#set({ waiting: { reason: "ContainerCreating", message: messageOf(error) } });
  }

  /** Its process, if it hasn't ended; nothing is started again. */
  kill(): void {
    this.#stopping.abort();
    this.#stopProbes();
    this.#process?.kill();
  }

  /** One run of its process. @returns how it ended; `undefined` where it could not be started yet */
  async #runOnce(): Promise<Exit | undefined> {
    const { plan: makePlan, files } = this.#options;
    const startedAt = new Date();
    let plan: Plan;
    try {
      plan = await makePlan();
    } catch (error) {
      this.#set({ waiting: { reason: "CreateContainerConfigError", message: messageOf(error) } });
      return undefined;
    }
    let process: ContainerProcess;
    try {
      process = await startProcess(plan, files);
    } catch (error) {
      const message = messageOf(error);
      this.#set({ terminated: { exitCode: 128, reason: "StartError", message, startedAt, finishedAt: new Date() } });
      return { code: 128 };
    }
    if (this.#stopping.signal.aborted) process.kill(); // asked to end before there was anything to end
    this.#process = { ...process, plan };
    this.#startProbes();
    this.#set({ running: { startedAt } });
    const exit = await process.exited;
    this.#process = undefined;
    this.#stopProbes();
    this.started = false;
    this.ready = false;
    const reason = exit.code === 0 ? "Completed" : "Error";
    this.#set({ terminated: { exitCode: exit.code, reason, startedAt, finishedAt: new Date() } });
    return exit;
  }

  #restartsAfter({ code }: Exit): boolean {
    const { restart } = this.#options;
    return restart === "Always" || (restart === "OnFailure" && code !== 0);
  }

  async #end(graceMs: number, turn?: Promise<unknown>): Promise<void> {
    const process = this.#process;
    if (!process) return;
    const killer = setTimeout(() => process.kill(), graceMs);
    const hook = this.spec.lifecycle?.preStop;
    if (hook) await Promise.race([this.#runHook(hook, graceMs), process.exited]);
    await Promise.race([turn, process.exited]);
    process.terminate();
    await process.exited;
    clearTimeout(killer);
  }

  async #runHook({ sleep, exec, httpGet }: V1LifecycleHandler, timeoutMs: number): Promise<void> {
    if (sleep) await pause(sleep.seconds * 1000);
    else
      await probeOnce(
        { ...(exec ? { exec } : {}), ...(httpGet ? { httpGet } : {}), timeoutSeconds: timeoutMs / 1000 },
        this.#target(),
      );
  }

  #target(): ProbeTarget {
    return {
      ip: this.#options.podIp,
      container: this.spec,
      exec: async (command, timeoutMs) =>
        this.#process
          ? execIn(this.#process.pid, { command, user: this.#process.plan.user, timeoutMs })
          : "the container does not run",
    };
  }

  #startProbes(): void {
    const { startupProbe, readinessProbe, livenessProbe } = this.spec;
    const loop = (probe: V1Probe, onVerdict: (ok: boolean) => void, hurry = false): void => {
      this.#loops.push(new ProbeLoop(probe, { check: () => probeOnce(probe, this.#target()), onVerdict, hurry }));
    };
    const restartUnless = (ok: boolean): void => {
      if (!ok) void this.#end(this.#options.graceMs);
    };
    const isStarted = (): void => {
      this.#stopProbes(); // that of the start has done its work
      this.started = true;
      this.#wasStarted = true;
      this.#firstStart.resolve();
      this.ready = !readinessProbe;
      if (readinessProbe) loop(readinessProbe, (ok) => this.#setReady(ok), true);
      if (livenessProbe) loop(livenessProbe, restartUnless);
      this.#options.onChange();
    };
    if (startupProbe) loop(startupProbe, (ok) => (ok ? isStarted() : restartUnless(false)));
    else isStarted();
  }

  #stopProbes(): void {
    for (const loop of this.#loops) loop.stop();
    this.#loops = [];
  }

  #setReady(ready: boolean): void {
    if (this.ready === ready) return;
    this.ready = ready;
    this.#options.onChange();
  }

  #set(state: V1ContainerState): void {
    if (JSON.stringify(state) === JSON.stringify(this.state)) return;
    this.state = state;
    this.#options.onChange();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
