import type { Command } from "commander";
import { precheck } from "../install/precheck.ts";
import { precheckText } from "../install/precheck-finding.ts";
import { CliError } from "./cli-error.ts";
import type { KubeOptions } from "./deps.ts";
import { type InstallDeps, withApi } from "./install-deps.ts";
import { addClusterOptions } from "./options.ts";
import { examples } from "./program.ts";

/** Adds `sluice x precheck`. */
export function registerPrecheck(program: Command, deps: InstallDeps): void {
  const command = experimental(program)
    .command("precheck")
    .description("check whether Sluice can be installed into a Kubernetes cluster")
    .addHelpText("after", examples(["sluice x precheck"]));
  addClusterOptions(command).action(async (cluster: KubeOptions) => {
    const findings = await withApi(deps, cluster, (api) => precheck(deps.version, api));
    const { text, safe } = precheckText(findings);
    deps.print(text);
    if (!safe)
      throw new CliError("Issues found when checking the cluster. Sluice may not be safe to install or upgrade.");
  });
}

/** The group of commands that istioctl calls experimental. */
function experimental(program: Command): Command {
  const known = program.commands.find((command) => command.name() === "experimental");
  return known ?? program.command("experimental").aliases(["x", "exp"]).description("commands that may still change");
}
