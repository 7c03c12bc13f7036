import type { Command } from "commander";
import { verify } from "../install/verify.ts";
import { CliError } from "./cli-error.ts";
import type { KubeOptions } from "./deps.ts";
import { type InstallDeps, saying, withApi } from "./install-deps.ts";
import { addClusterOptions } from "./options.ts";
import { examples } from "./program.ts";

/** Adds `sluice verify-install`. */
export function registerVerifyInstall(program: Command, deps: InstallDeps): void {
  const command = program
    .command("verify-install")
    .description("check that everything that `sluice install` brought is there and works")
    .addHelpText("after", examples(["sluice verify-install"]));
  addClusterOptions(command).action(async (cluster: KubeOptions) => {
    const ok = await withApi(deps, cluster, (api) => verify(deps.version, { api, say: saying(deps) }));
    if (!ok) throw new CliError("the installation is not complete");
  });
}
