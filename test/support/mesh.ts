// Runs `sluice up` on a folder of its own, as a user would, and leaves nothing of it behind.
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env, execPath } from "node:process";
import type { Duplex } from "node:stream";
import { type Run, type RunPod, readRun } from "../../controller/run/state.ts";
import type { PluginStatus } from "../../controller/status/plugin-status.ts";
import { ask } from "./envoy.ts";
import { call, type Target } from "./http.ts";
import { type Relay, startRelay, tunnel } from "./inside.ts";
import { type UntilOptions, until } from "./wait.ts";

const main = join(import.meta.dirname, "..", "..", "controller", "main.ts");
/** A program for Deployments; see its head. */
export const app = join(import.meta.dirname, "app.ts");
/** Node 24 for Deployments. */
export const node = execPath;

export interface TestMesh {
  /** The watched folder. */
  readonly dir: string;
  /** Its state folder: `SLUICE_RUN_DIR` of commands that are to find this mesh. */
  readonly runDir: string;
  readonly pid: number;
  /** What runs where, as the runner last wrote it. */
  run(): Promise<Run>;
  /** The pod of a workload, once the application takes traffic. */
  pod(workload: string): Promise<RunPod>;
  /** An HTTP proxy whose calls are those of a workload's application: its sidecar's port, or where traffic is intercepted a relay. */
  httpProxy(workload: string): Promise<Target>;
  /** A connection of a workload's application to a service's port 80, on which HTTP/2 may be spoken. */
  connection(workload: string, service: string): Promise<Duplex>;
  gateway(): Promise<Target>;
  /** Names of the HTTP statistics (`http.<name>.…`) of calls that a workload's sidecar takes: its application's, and for it. */
  statNames(workload: string): Promise<{ readonly outbound: string; readonly inbound: string }>;
  /** Writes (as editors do: a new file renamed over the old one) or replaces a file of the folder. */
  apply(file: string, yaml: string): Promise<void>;
  remove(file: string): Promise<void>;
  /** An admin page of a workload's Envoy. */
  admin(workload: string, path: string): Promise<string>;
  /** A counter or gauge of a workload's Envoy; 0 where there is none. */
  stat(workload: string, name: string): Promise<number>;
  /** The status of a WasmPlugin, `namespace/name`. */
  plugin(name: string): Promise<PluginStatus | undefined>;
  /** Body of a page of the controller's monitoring port. */
  monitoring(path: string): Promise<string>;
  /** Like {@link until}; shows what the mesh printed where it fails. */
  waitFor<T>(
    fact: () => T | Promise<T>,
    describe: string | (() => string),
    options?: UntilOptions,
  ): Promise<Exclude<T, undefined | null | false>>;
  /** What `sluice up` printed so far. */
  output(): string;
  /** Ctrl-C; resolves with the exit code once it has ended. May be called twice. */
  stop(): Promise<number>;
}

/**
 * Starts a mesh of these files (name to YAML), in a folder that is removed when it is stopped.
 *
 * @param env more of the environment of `sluice up`
 */
export async function startMesh(
  files: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): Promise<TestMesh> {
  const base = await mkdtemp(join(tmpdir(), "mesh-"));
  const dir = join(base, "mesh");
  await mkdir(dir);
  for (const [name, yaml] of Object.entries(files)) await writeFile(join(dir, name), yaml);
  const remove = () => rm(base, { recursive: true, force: true });
  try {
    const mesh = await startMeshIn(dir, { runDir: join(base, "run"), env });
    const stop = async (): Promise<number> => {
      const code = await mesh.stop();
      await remove();
      return code;
    };
    return { ...mesh, stop };
  } catch (error) {
    await remove();
    throw error;
  }
}

export interface MeshOptions {
  /** Its state folder, `SLUICE_RUN_DIR`; made and removed by the mesh itself. */
  readonly runDir: string;
  /** Default: `sluice up` of the folder. */
  readonly command?: readonly [string, ...string[]];
  readonly cwd?: string;
  /** More of the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a mesh of a folder that is there, and waits until every proxy is live and every application ready. */
export async function startMeshIn(
  dir: string,
  { runDir, command = [execPath, main, "up", dir], cwd, env: more }: MeshOptions,
): Promise<TestMesh> {
  const [file, ...args] = command;
  const child = spawn(file, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...env, ...more, SLUICE_RUN_DIR: runDir },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true, // a process group of its own, as a terminal makes it: Ctrl-C reaches npm and what npm started
  });
  const signal = (name: NodeJS.Signals): void => {
    if (!ended && child.pid !== undefined) process.kill(-child.pid, name);
  };
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  let ended = false;
  const exit = new Promise<number>((resolve) =>
    child.once("close", (code) => {
      ended = true;
      resolve(code ?? 1);
    }),
  );
  const kill = (): void => signal("SIGKILL");
  process.once("exit", kill);

  const waitFor: TestMesh["waitFor"] = async (fact, describe, options) => {
    try {
      return await until(fact, describe, options);
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : error}\nsluice up printed:\n${output.slice(-6000)}`, {
        cause: error,
      });
    }
  };
  const run = async (): Promise<Run> => {
    if (ended) throw new Error(`sluice up has ended:\n${output.slice(-6000)}`);
    return waitFor(() => readRun(runDir), "the run's state");
  };
  const pod: TestMesh["pod"] = (workload) =>
    waitFor(
      async () => (await run()).pods.find((one) => one.workload === workload && one.ready),
      `a ready pod of ${workload}`,
    );
  /** By the name of the pod. */
  const relays = new Map<string, Promise<Relay>>();
  const mesh: TestMesh = {
    dir,
    runDir,
    pid: child.pid ?? 0,
    run,
    pod,
    waitFor,
    httpProxy: async (workload) => {
      const found = await pod(workload);
      if (!found.namespaces) return { host: found.ip, port: 15007 };
      const relay = relays.get(found.name) ?? startRelay(found);
      relays.set(found.name, relay);
      return (await relay).target;
    },
    async connection(workload, service) {
      const proxy = await mesh.httpProxy(workload);
      return (await pod(workload)).namespaces ? tunnel(proxy, `${service}:80`) : connect(proxy);
    },
    async statNames(workload) {
      const { namespaces, ip } = await pod(workload);
      const [address, calls] = namespaces ? ["0.0.0.0", 80] : [ip, 15007]; // the test application's Services have port 80
      return { outbound: `outbound_${address}_${calls}`, inbound: `inbound_${address}_8080` };
    },
    gateway: async () => {
      const { address, port } = (await run()).gateway;
      return { host: address, port };
    },
    async apply(file, yaml) {
      const temporary = join(dir, `.${file}.tmp`);
      await writeFile(temporary, yaml);
      await rename(temporary, join(dir, file));
    },
    remove: (file) => rm(join(dir, file)),
    admin: async (workload, path) => ask((await pod(workload)).adminSocket, "GET", path),
    async stat(workload, name) {
      const filter = `^${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`;
      const text = await mesh.admin(workload, `/stats?filter=${encodeURIComponent(filter)}`);
      return Number(text.slice(text.lastIndexOf(":") + 1)) || 0;
    },
    async plugin(name) {
      const all = JSON.parse(await mesh.monitoring("/debug/pluginz")) as PluginStatus[];
      return all.find((status) => `${status.ref.namespace}/${status.ref.name}` === name);
    },
    async monitoring(path) {
      return (await call({ host: "127.0.0.1", port: (await run()).monitoringPort, path })).body;
    },
    output: () => output,
    async stop() {
      signal("SIGINT");
      const code = await exit;
      for (const relay of relays.values()) (await relay).stop();
      relays.clear();
      process.removeListener("exit", kill);
      return code;
    },
  };
  try {
    const started = (): unknown => ended || (readRun(runDir)?.pods.length ?? 0) > 0;
    await waitFor(started, "the mesh to start", { deadlineMs: 50_000 }); // `npm start` may have filters to build
    const wanted = (await run()).pods.map(({ workload }) => workload);
    for (const workload of wanted)
      await waitFor(async () => (await mesh.admin(workload, "/ready")).startsWith("LIVE"), `${workload} to be live`);
    for (const workload of wanted) {
      const knowsAll = async (): Promise<boolean> =>
        !(await mesh.admin(workload, "/clusters")).includes("failed_eds_health"); // a pod that was not ready is sent as unhealthy
      await waitFor(knowsAll, `${workload} to know that all pods are ready`);
    }
  } catch (error) {
    await mesh.stop();
    throw error;
  }
  return mesh;
}
