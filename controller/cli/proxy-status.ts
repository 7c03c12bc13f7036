import { type Command, Option } from "commander";
import { type ProxySync, syncTypes, type TypeSync } from "../status/sync.ts";
import { chooseHome, type HomeOptions } from "./choose-home.ts";
import { CliError } from "./cli-error.ts";
import { connectedProxies, runningControllers } from "./controllers.ts";
import type { CliDeps } from "./deps.ts";
import { humanDuration } from "./duration.ts";
import { findPod } from "./find-pod.ts";
import type { Home } from "./home.ts";
import { addHomeOptions, outputOption } from "./options.ts";
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

interface StatusOptions extends HomeOptions {
  readonly output: "table" | "json" | "yaml";
  readonly verbosity: "0" | "1";
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
    .addHelpText(
      "after",
      examples([
        "# Every Envoy of the mesh, a column for each type",
        "sluice proxy-status",
        "# As istioctl prints it since 1.27",
        "sluice ps -v 0",
        "# Those of a namespace, for a program",
        "sluice ps -n istioinaction -o json",
        "# In Kubernetes, where a mesh runs on this machine as well",
        "sluice ps --context kind-kind",
      ]),
    );
  addHomeOptions(command).action(async (pod: string | undefined) => {
    const options = command.opts<StatusOptions>();
    const { output, verbosity } = options;
    const proxies = await proxiesOf(await chooseHome(options, deps), pod, options);
    if (output !== "table") deps.print(structured(proxies, output));
    else deps.print(verbosity === "0" ? subscribedTable(proxies) : statusTable(proxies, deps.nowMs()));
  });
}

/** istioctl's since 1.27, where 0 is the default. */
function verbosityOption(): Option {
  const text = "1: a column for each type; 0: one column that names the types";
  return new Option("-v, --verbosity <level>", text).choices(["0", "1"]).default("1");
}

/** Of the whole mesh, of a namespace, or of one pod. */
async function proxiesOf(
  home: Home,
  pod: string | undefined,
  { namespace, istioNamespace }: HomeOptions,
): Promise<readonly ProxySync[]> {
  const only = pod === undefined ? undefined : await findPod(pod, namespace, home);
  const controllers = await runningControllers(home, istioNamespace);
  const isAsked = (name: string): boolean =>
    only === undefined
      ? namespace === undefined || name.endsWith(`.${namespace}`)
      : name === `${only.name}.${only.namespace}`;
  const proxies = (await connectedProxies(controllers)).filter(({ name }) => isAsked(name));
  if (only !== undefined && proxies.length === 0)
    throw new CliError(
      `the proxy of ${only.name}.${only.namespace} is not connected to the control plane; the log of its Envoy says why`,
    );
  return proxies;
}
