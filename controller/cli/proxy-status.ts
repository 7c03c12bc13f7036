import { type Command, Option } from "commander";
import { type ProxySync, syncTypes, type TypeSync } from "../status/sync.ts";
import { CliError } from "./cli-error.ts";
import type { CliDeps, RunningMesh } from "./deps.ts";
import { parseJson } from "./dump.ts";
import { humanDuration } from "./duration.ts";
import { findPod } from "./find-pod.ts";
import { namespaceOption, outputOption } from "./options.ts";
import { compareText } from "./order.ts";
import { examples } from "./program.ts";
import { structured } from "./structured.ts";
import { table } from "./table.ts";

/** A column for each type: istioctl's table up to 1.26, and with `-v 1` since. */
export function statusTable(proxies: readonly ProxySync[], nowMs: number): string {
  const rows = proxies.map((proxy) => [
    proxy.name,
    proxy.cluster,
    ...syncTypes.map((type) => stateText(proxy.types[type], nowMs)),
    proxy.controller,
    proxy.version,
  ]);
  return table([["NAME", "CLUSTER", ...syncTypes, "ISTIOD", "VERSION"], ...rows]);
}

/** `5 (CDS,LDS,EDS,RDS,ECDS)`: istioctl's table since 1.27. */
export function subscribedTable(proxies: readonly ProxySync[]): string {
  const rows = proxies.map((proxy) => {
    const subscribed = syncTypes.filter((type) => (proxy.types[type]?.state ?? "NOT SENT") !== "NOT SENT");
    const names = subscribed.length === 0 ? "" : ` (${subscribed.join(",")})`;
    return [proxy.name, proxy.cluster, proxy.controller, proxy.version, `${subscribed.length}${names}`];
  });
  return table([["NAME", "CLUSTER", "ISTIOD", "VERSION", "SUBSCRIBED TYPES"], ...rows]);
}

/** `SYNCED (5m)`; a controller of another version may not tell of every type. */
function stateText(sync: TypeSync | undefined, nowMs: number): string {
  if (sync === undefined) return "IGNORED";
  return sync.sinceMs === undefined ? sync.state : `${sync.state} (${humanDuration(nowMs - sync.sinceMs)})`;
}

interface StatusOptions {
  readonly output: "table" | "json" | "yaml";
  readonly verbosity: "0" | "1";
  readonly namespace?: string;
}

/** Adds `sluice proxy-status`: what the control plane knows of each proxy. */
export function registerProxyStatus(program: Command, deps: CliDeps): void {
  const command = program
    .command("proxy-status")
    .alias("ps")
    .argument("[pod]", "only this one: [TYPE/]NAME[.NAMESPACE]; the beginning of a name will do")
    .description("show how far each Envoy is in step with the control plane")
    .addOption(outputOption("table"))
    .addOption(verbosityOption())
    .addOption(namespaceOption())
    .addHelpText(
      "after",
      examples([
        "# Every Envoy of the mesh, a column for each type",
        "sluice proxy-status",
        "# As istioctl prints it since 1.27",
        "sluice ps -v 0",
        "# Those of a namespace, for a program",
        "sluice ps -n istioinaction -o json",
      ]),
    );
  command.action(async (pod: string | undefined) => {
    const { output, verbosity, namespace } = command.opts<StatusOptions>();
    const proxies = await fetchAll(pod, namespace, deps);
    if (output !== "table") deps.print(structured(proxies, output));
    else deps.print(verbosity === "0" ? subscribedTable(proxies) : statusTable(proxies, deps.nowMs()));
  });
}

/** istioctl's since 1.27, where 0 is the default. */
function verbosityOption(): Option {
  const text = "1: a column for each type; 0: one column that names the types";
  return new Option("-v, --verbosity <level>", text).choices(["0", "1"]).default("1");
}

/** By name, from every mesh that runs here. */
async function fetchAll(
  pod: string | undefined,
  namespace: string | undefined,
  deps: CliDeps,
): Promise<readonly ProxySync[]> {
  const meshes = deps.meshes();
  if (meshes.length === 0) throw new CliError("no mesh runs on this machine: start one with `sluice up DIR`");
  const only = pod === undefined ? undefined : findPod(pod, namespace, meshes);
  const asked = only === undefined ? meshes : meshes.filter(({ pods }) => pods.includes(only));
  const proxies = (await Promise.all(asked.map((mesh) => fetchOne(mesh, deps)))).flat();
  return proxies
    .filter(({ name }) => only === undefined || name === `${only.name}.${only.namespace}`)
    .filter(({ name }) => namespace === undefined || name.endsWith(`.${namespace}`))
    .sort((a, b) => compareText(a.name, b.name));
}

async function fetchOne({ dir, monitoringPort }: RunningMesh, deps: CliDeps): Promise<readonly ProxySync[]> {
  const origin = `controller of ${dir}`;
  const text = await deps.get({ host: "127.0.0.1", port: monitoringPort }, "/debug/syncz").catch((error: Error) => {
    throw new CliError(`${origin}: ${error.message}`);
  });
  const answer = parseJson(text);
  if (!Array.isArray(answer)) throw new CliError(`${origin}: /debug/syncz did not answer with a list`);
  return answer as readonly ProxySync[];
}
