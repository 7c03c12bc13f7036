import { type Command, InvalidArgumentError, Option } from "commander";

// Options that several commands share, with istioctl's names and short forms.

/** Where a command looks for its mesh: see choose-home.ts. */
export function addHomeOptions(command: Command): Command {
  const named = command
    .option("-n, --namespace <namespace>", "look only in this namespace")
    .option("-i, --istioNamespace <namespace>", "where the control plane runs in Kubernetes", "istio-system");
  return addClusterOptions(named, "the mesh in ");
}

/** Which cluster: KubeOptions. @param what of it is meant: `the mesh in ` */
export function addClusterOptions(command: Command, what = ""): Command {
  return command
    .option("-c, --kubeconfig <file>", `${what}the cluster of this kubeconfig`)
    .option("--context <name>", `${what}the cluster of this context of the kubeconfig`);
}

export const adminPortOption = () =>
  portOption(
    "--proxy-admin-port <port>",
    "port of Envoy's admin in the pod (default: its socket, or 15000 in Kubernetes)",
  );

export type OutputFormat = "short" | "json" | "yaml";

export const outputOption = (table: string) =>
  new Option("-o, --output <format>", "output format").choices([table, "json", "yaml"]).default(table);

export const portOption = (flags: string, text: string) => new Option(flags, text).argParser(parsePort);

/** `--verbose=false`; without a value it is true. */
export const verboseOption = (text: string) => booleanOption("verbose", text);

/** `--<name>=false`; true by default, and without a value. @param short `s` for `-s` */
export const booleanOption = (name: string, text: string, short?: string) =>
  new Option(`${short ? `-${short}, ` : ""}--${name} [boolean]`, text)
    .argParser((value: string | boolean) => parseBoolean(name, value))
    .preset(true)
    .default(true);

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65535)
    throw new InvalidArgumentError("A port is a number from 1 to 65535.");
  return port;
}

function parseBoolean(name: string, given: string | boolean): boolean {
  const value = String(given).replace(/^=/, ""); // -s=false
  if (value !== "true" && value !== "false") throw new InvalidArgumentError(`Write --${name}=true or --${name}=false.`);
  return value === "true";
}
