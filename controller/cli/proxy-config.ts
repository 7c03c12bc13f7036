import type { Command } from "commander";
import { chooseHome, type HomeOptions } from "./choose-home.ts";
import { CliError, usageExitCode } from "./cli-error.ts";
import { type ConfigOptions, type ConfigView, configViews } from "./config-views.ts";
import type { CliDeps } from "./deps.ts";
import { findPod } from "./find-pod.ts";
import { addHomeOptions, adminPortOption, type OutputFormat, outputOption } from "./options.ts";
import { examples } from "./program.ts";
import { registerProxyLog } from "./proxy-log.ts";
import { structured } from "./structured.ts";

interface SourceOptions extends HomeOptions {
  readonly file?: string;
  readonly proxyAdminPort?: number;
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
  registerProxyLog(group, deps);
}

function register(group: Command, view: ConfigView, deps: CliDeps): void {
  const command = group
    .command(view.name)
    .aliases(view.aliases)
    .argument("[pod]", "[TYPE/]NAME[.NAMESPACE]; the beginning of a name will do")
    .description(view.description)
    .addOption(outputOption("short"))
    .option("-f, --file <file>", `read ${view.holds} from a file (- for standard input), not from a pod`)
    .addOption(adminPortOption())
    .addHelpText("after", examples(view.examples));
  for (const option of view.options) command.addOption(option);
  addHomeOptions(command).action(async (pod: string | undefined) => {
    const options = command.opts<SourceOptions & ConfigOptions & { readonly output: OutputFormat }>();
    const { text, origin } = await read(view, pod, options, deps);
    const shown = view.open(text, deps.nowMs());
    if (shown === undefined) throw new CliError(`${origin}: is not ${view.holds}, as GET ${view.path} prints it`);
    const { output } = options;
    deps.print(output === "short" ? shown.short(options) : structured(shown.resources(options), output));
  });
}

async function read(
  view: ConfigView,
  name: string | undefined,
  options: SourceOptions,
  deps: CliDeps,
): Promise<{ readonly text: string; readonly origin: string }> {
  const { file, namespace, proxyAdminPort } = options;
  if (file !== undefined && name === undefined)
    return { text: await deps.readText(file).catch(fail(file)), origin: file };
  if (file !== undefined || name === undefined)
    throw new CliError(`${view.name} needs a pod's name or --file, and not both`, usageExitCode);
  const pod = await findPod(name, namespace, await chooseHome(options, deps));
  const origin = `Envoy of ${pod.name}.${pod.namespace}`;
  return { text: await pod.admin({ path: view.path }, proxyAdminPort).catch(fail(origin)), origin };
}

function fail(origin: string): (error: Error) => never {
  return (error) => {
    throw new CliError(`${origin}: ${error.message}`);
  };
}
