import type { Command } from "commander";
import { CliError, usageExitCode } from "./cli-error.ts";
import { type ConfigOptions, type ConfigView, configViews } from "./config-views.ts";
import type { CliDeps, HttpTarget } from "./deps.ts";
import { findPod } from "./find-pod.ts";
import { namespaceOption, type OutputFormat, outputOption, portOption } from "./options.ts";
import { examples } from "./program.ts";
import { structured } from "./structured.ts";

interface SourceOptions {
  readonly file?: string;
  readonly proxyAdminPort?: number;
  readonly namespace?: string;
}

/** Adds `sluice proxy-config` and its commands: what an Envoy says of its own configuration. */
export function registerProxyConfig(program: Command, deps: CliDeps): void {
  const group = program
    .command("proxy-config")
    .alias("pc")
    .description("show the configuration of an Envoy")
    .addHelpText(
      "after",
      examples(["sluice proxy-config cluster webapp", "sluice pc all deploy/webapp.istioinaction"]),
    );
  for (const view of configViews) register(group, view, deps);
}

function register(group: Command, view: ConfigView, deps: CliDeps): void {
  const command = group
    .command(view.name)
    .aliases(view.aliases)
    .argument("[pod]", "[TYPE/]NAME[.NAMESPACE]; the beginning of a name will do")
    .description(view.description)
    .addOption(outputOption("short"))
    .option("-f, --file <file>", `read ${view.holds} from a file (- for standard input), not from a pod`)
    .addOption(portOption("--proxy-admin-port <port>", "the admin's port at the pod's IP, instead of its socket"))
    .addOption(namespaceOption())
    .addHelpText("after", examples(view.examples));
  for (const option of view.options) command.addOption(option);
  command.action(async (pod: string | undefined) => {
    const options = command.opts<SourceOptions & ConfigOptions & { readonly output: OutputFormat }>();
    const { text, origin } = await read(view, pod, options, deps);
    const shown = view.open(text);
    if (shown === undefined) throw new CliError(`${origin}: is not ${view.holds}, as GET ${view.path} prints it`);
    const { output } = options;
    deps.print(output === "short" ? shown.short(options) : structured(shown.resources(options), output));
  });
}

async function read(
  view: ConfigView,
  name: string | undefined,
  { file, namespace, proxyAdminPort }: SourceOptions,
  deps: CliDeps,
): Promise<{ readonly text: string; readonly origin: string }> {
  if (file !== undefined && name === undefined)
    return { text: await deps.readText(file).catch(fail(file)), origin: file };
  if (file !== undefined || name === undefined)
    throw new CliError(`${view.name} needs a pod's name or --file, and not both`, usageExitCode);
  const pod = findPod(name, namespace, deps.meshes());
  const target: HttpTarget =
    proxyAdminPort === undefined ? { socket: pod.adminSocket } : { host: pod.ip, port: proxyAdminPort };
  const origin = `Envoy of ${pod.name}.${pod.namespace}`;
  return { text: await deps.get(target, view.path).catch(fail(origin)), origin };
}

function fail(origin: string): (error: Error) => never {
  return (error) => {
    throw new CliError(`${origin}: ${error.message}`);
  };
}
