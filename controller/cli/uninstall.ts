import type { Command } from "commander";
import { helmRelease } from "../install/helm.ts";
import { planRemoval, type Removal, remove } from "../install/uninstall.ts";
import { CliError } from "./cli-error.ts";
import type { KubeOptions } from "./deps.ts";
import { type InstallDeps, saying, withApi } from "./install-deps.ts";
import { addClusterOptions } from "./options.ts";
import { examples } from "./program.ts";

interface Flags extends KubeOptions {
  readonly purge?: boolean;
  readonly skipConfirmation?: true;
}

/** Adds `sluice uninstall`. */
export function registerUninstall(program: Command, deps: InstallDeps): void {
  const command = program
    .command("uninstall")
    .description("remove from a Kubernetes cluster all that `sluice install` and the control plane made")
    .option("--purge", "also the definitions of kinds of which there are objects, and those objects")
    .option("-y, --skip-confirmation", "do not ask")
    .addHelpText("after", examples(["sluice uninstall -y", "sluice uninstall --purge"]));
  addClusterOptions(command).action(({ purge = false, skipConfirmation, ...cluster }: Flags) =>
    withApi(deps, cluster, async (api) => {
      const say = saying(deps);
      const release = await helmRelease(deps.version, api);
      if (release !== undefined) throw new CliError(helmsOwn(release));
      const plan = await planRemoval(deps.version, api);
      if (plan.objects.length === 0) return say("! No Sluice installation found");
      if (purge) for (const line of losses(plan)) say(line);
      if (!skipConfirmation && !(await deps.confirm(question))) throw new CliError("Cancelled.");
      if (!(await remove(plan, { purge }, { api, clock: deps.clock, say })))
        throw new CliError("not everything is removed; `sluice uninstall` goes on from it");
      say(
        "Pods that have a proxy keep it until they are made anew, and can't call each other once their certificates end, 24 h after they were made unless it was set otherwise: kubectl rollout restart deployment",
      );
    }),
  );
}

const question = "All Sluice resources will be pruned from the cluster. Proceed? (y/N) ";

function helmsOwn(release: string): string {
  return `Sluice is installed as Helm release ${release}: helm uninstall it first; sluice uninstall then removes what Helm leaves`;
}

function losses({ inUse }: Removal): readonly string[] {
  return [...inUse].map(
    ([name, count]) => `! ${name}: ${count} ${count === 1 ? "object is" : "objects are"} deleted with the definition`,
  );
}
