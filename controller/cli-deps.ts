// The outside world of the commands.
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { env, stderr, stdin, stdout } from "node:process";
import { createInterface } from "node:readline";
import { buffer, text } from "node:stream/consumers";
import type { CliDeps, KubeApi, KubeOptions } from "./cli/deps.ts";
import { httpAsk } from "./cli/http-ask.ts";
import type { InstallDeps } from "./cli/install-deps.ts";
import type { NewFilterDeps } from "./cli/new-filter.ts";
import { realClock } from "./ports/clock.ts";
import { isRunning } from "./run/leftovers.ts";
import { readRuns } from "./run/state.ts";

/** Of the commands that look at a mesh. @param version of this program */
export function cliDeps(version: string): CliDeps {
  return {
    version,
    meshes: () => readRuns(env).filter((run) => run.processes.some((mark) => mark.pid === run.pid && isRunning(mark))),
    kubeconfig,
    kubeApi,
    readText: (path) => (path === "-" ? text(stdin) : readFile(path, "utf8")),
    http: httpAsk,
    nowMs: () => realClock.nowMs(),
    print: (output) => void stdout.write(output),
    note: (line) => void stderr.write(`${line}\n`),
  };
}

/** The bytes of a file, of standard input for `-`; rejects with the system's error. */
export function readBytes(path: string): Promise<Uint8Array> {
  return path === "-" ? buffer(stdin) : readFile(path);
}

/** Of the command that begins a filter. */
export const newFilterDeps: Omit<NewFilterDeps, "version"> = {
  exists: existsSync,
  writeNew: async (path, content) => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content, { flag: "wx" });
  },
  print: (output) => void stdout.write(output),
};

/** Of the commands that install. @param version of this program */
export function installDeps(version: string): InstallDeps {
  return {
    version,
    clock: realClock,
    print: (text) => void stdout.write(text),
    confirm,
    installApi: async (options) => (await import("./kube/client.ts")).connect(options),
  };
}

/** In the order of kubectl; the last one is a pod's own service account. */
function kubeconfig(): string | undefined {
  if (env["KUBECONFIG"]) return "$KUBECONFIG";
  if (existsSync(join(homedir(), ".kube", "config"))) return "~/.kube/config";
  return existsSync("/var/run/secrets/kubernetes.io/serviceaccount/token") ? "this pod" : undefined;
}

/** Loads the Kubernetes client only when it is needed, since that takes half a second. */
async function kubeApi(options: KubeOptions): Promise<KubeApi> {
  const { loadConfig } = await import("./kube/config.ts");
  const { KubeClient } = await import("./kube/client.ts");
  const { forwardPort } = await import("./cli/port-forward.ts");
  const config = loadConfig(options);
  const client = new KubeClient(config);
  const pods = { group: "", version: "v1", plural: "pods" };
  return {
    namespace: config.getContextObject(config.getCurrentContext())?.namespace || "default",
    runningPods: async (where) => {
      const { items } = await client.list(pods, { ...where, fieldSelector: "status.phase=Running" });
      return items;
    },
    get: (target) => client.get(target),
    meshObjects: async () => {
      const { kinds } = await import("./crd/kinds.ts");
      const { builtins, definitions, servedKinds } = await import("./kube/resource-types.ts");
      const served = servedKinds((await client.list(definitions)).items, Object.values(kinds));
      const lists = [...builtins, ...served].map((type) => client.list(type, type.selection));
      return (await Promise.all(lists)).flatMap(({ items }) => items);
    },
    connect: (pod, port) => forwardPort(config, pod, port),
  };
}

async function confirm(question: string): Promise<boolean> {
  stdout.write(question);
  const lines = createInterface({ input: stdin });
  for await (const answer of lines) {
    lines.close();
    return /^y(es)?$/i.test(answer.trim());
  }
  stdout.write("\n"); // nobody answered
  return false;
}
