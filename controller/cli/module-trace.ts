import type { Command } from "commander";
import { SourceMap } from "../../sdk/module/source-map.ts";
import { mapTrace } from "../../sdk/module/trace.ts";
import { CliError } from "./cli-error.ts";
import type { CliDeps } from "./deps.ts";
import { examples } from "./program.ts";

/** Adds `sluice module trace`: which lines of the source a filter's trap in Envoy's log stands for. */
export function registerModuleTrace(group: Command, deps: Pick<CliDeps, "readText" | "print">): void {
  group
    .command("trace")
    .argument("<module>", "the .wasm file; asbuild puts its source map beside it, as FILE.map")
    .argument("[log]", "Envoy's log, or a part of it; - is standard input", "-")
    .description("add file, line and column of the source to the backtraces of a filter in Envoy's log")
    .addHelpText("after", examples(["kubectl logs deploy/cart -c istio-proxy | sluice module trace build/cart.wasm"]))
    .action((module: string, log: string) => trace(module, log, deps));
}

async function trace(module: string, log: string, deps: Pick<CliDeps, "readText" | "print">): Promise<void> {
  const path = `${module}.map`;
  const text = await deps.readText(path).catch((error: Error) => {
    throw new CliError(
      `${error.message}\nThe map must be of the very build that ran: npm run asbuild writes it with the module.`,
    );
  });
  const map = SourceMap.parse(text);
  if (map === undefined) throw new CliError(`${path} is no source map; npm run asbuild writes it with the module`);
  const lines = await deps.readText(log).catch((error: Error) => {
    throw new CliError(error.message);
  });
  deps.print(mapTrace(lines, map));
}
