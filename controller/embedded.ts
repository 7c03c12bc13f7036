// The commands of the embedded home: `sluice up` and what goes with it.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import process, { env, execPath } from "node:process";
import { type Command, Option } from "commander";
import { CliError } from "./cli/cli-error.ts";
import type { CliDeps } from "./cli/deps.ts";
import { embeddedHome } from "./cli/embedded-home.ts";
import { findPod } from "./cli/find-pod.ts";
import { examples } from "./cli/program.ts";
import { defaultSettings } from "./model/mesh.ts";
import { realClock } from "./ports/clock.ts";
import type { Log } from "./ports/log.ts";
import { commandAt } from "./run/exec.ts";
import { type Interception, interceptions } from "./run/interception.ts";
import type { RunnerDeps } from "./run/runner.ts";
import { type RunPod, readRuns } from "./run/state.ts";

export function registerUp(program: Command, log: Log): void {
  program
    .command("up")
    .argument("<dir>", "folder of YAML; it is watched")
    .description("run the mesh that a folder describes: the control plane, Envoys and workloads, on this machine")
    .addOption(
      new Option("--interception <how>", "auto: traffic is intercepted where this machine can (Linux, root)")
        .choices(interceptions)
        .default("auto")
        .env("SLUICE_INTERCEPTION"),
    )
    .addHelpText("after", examples(["sluice up examples/outfitters/mesh"]))
    .action(async (dir: string, { interception }: { readonly interception: Interception }) => {
      const { locateEnvoy } = await import("../setup/envoy.mjs");
      const { up } = await import("./run/up.ts");
      const deps: RunnerDeps = {
        watch: watchObjects,
        envoyPath: envoyPath(locateEnvoy),
        program: [execPath, join(import.meta.dirname, "main.ts")],
        env,
        clock: realClock,
        random: Math.random,
        log,
      };
      process.exit(await up({ dir, settings: defaultSettings, interception }, deps)); // watchers and children's pipes would keep it
    });
}

/** `kubectl exec`, for pods of this machine. */
export function registerExec(program: Command, { meshes, http }: Pick<CliDeps, "meshes" | "http">): void {
  program
    .command("exec")
    .argument("<pod>", "its name, that of its Deployment, or the beginning of its name; .NAMESPACE may follow")
    .argument("<command...>", "program and arguments, after --")
    .description("run a command where a pod's application runs: its calls pass the pod's Envoy")
    .addHelpText("after", examples(["sluice exec webapp -- curl -s http://catalog.istioinaction/items/1"]))
    .action(async (text: string, command: readonly string[]) => {
      const { name, namespace } = await findPod(text, undefined, embeddedHome(meshes(), http));
      const isMeant = (pod: RunPod): boolean => pod.name === name && pod.namespace === namespace;
      const pod = readRuns(env).flatMap(({ pods }) => pods.filter(isMeant))[0];
      if (!pod) throw new CliError(`${name}.${namespace} has just ended`);
      const { argv, env: own } = commandAt(pod, command, { cwd: process.cwd(), env });
      const code = await exitCodeOf(argv, own);
      if (code !== 0) throw new CliError(`command terminated with exit code ${code}`, code);
    });
}

async function exitCodeOf([file = "", ...args]: readonly string[], own: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn(file, args, { env: own, stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once("error", ({ message }) => reject(new CliError(message)));
    child.once("exit", (code, signal) => resolve(code ?? 128 + (constants.signals[signal ?? "SIGKILL"] ?? 0)));
  });
}

function envoyPath(locate: () => { readonly path: string }): string {
  try {
    return locate().path;
  } catch (error) {
    throw new CliError(error instanceof Error ? error.message : String(error));
  }
}

/** All objects in force below a folder, whatever is wrong with others: the controller says that. */
async function watchObjects(dir: string, onObjects: Parameters<RunnerDeps["watch"]>[1]): Promise<() => Promise<void>> {
  const { watchFiles } = await import("./sources/files.ts");
  const { withVirtualAddresses } = await import("./sources/virtual-addresses.ts");
  const { parseObject } = await import("./crd/parse-object.ts");
  const { ObjectStore } = await import("./mesh/object-store.ts");
  const store = new ObjectStore();
  const source = await watchFiles({
    folders: [dir],
    clock: realClock,
    onBatch: ({ objects }) => onObjects(store.update(withVirtualAddresses(objects).map(parseObject))),
  });
  return () => source.close();
}
