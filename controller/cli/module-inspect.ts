import { createHash } from "node:crypto";
import { type Command, Option } from "commander";
import { inspectModule, refusalsOf } from "../../sdk/module/inspect.ts";
import { CliError } from "./cli-error.ts";
import { type ModuleReport, moduleText } from "./module-report.ts";
import { examples } from "./program.ts";
import { structured } from "./structured.ts";

export interface ModuleInspectDeps {
  /** The bytes of a file, of standard input for `-`; rejects with the system's error. */
  readonly readBytes: (path: string) => Promise<Uint8Array>;
  /** To standard output, as it is. */
  readonly print: (text: string) => void;
}

interface Options {
  readonly output: "text" | "json" | "yaml";
}

/** Adds `sluice module inspect`: what any proxy-wasm module is, and whether Envoy would load it. Exit code 1: it would not. */
export function registerModuleInspect(group: Command, deps: ModuleInspectDeps): void {
  group
    .command("inspect")
    .argument("<module>", "a .wasm file of any proxy-wasm SDK; - is standard input")
    .addOption(new Option("-o, --output <format>", "output format").choices(["text", "json", "yaml"]).default("text"))
    .description("say what a module calls, offers and needs, and whether Envoy would load it")
    .addHelpText(
      "after",
      examples([
        "sluice module inspect build/retry-budget.wasm",
        "# In a pipeline: fails where Envoy would refuse the module",
        "sluice module inspect plugin.wasm -o json | jq .capabilities",
      ]),
    )
    .action((file: string, { output }: Options) => inspect(file, output, deps));
}

async function inspect(file: string, output: Options["output"], deps: ModuleInspectDeps): Promise<void> {
  const bytes = await deps.readBytes(file).catch((error: Error) => {
    throw new CliError(error.message);
  });
  const report = await reportOf(bytes);
  deps.print(output === "text" ? moduleText(report) : structured(report, output));
  const { length } = report.problems;
  if (length > 0) throw new CliError(`${file}: Envoy would refuse it, for ${length} reason${length === 1 ? "" : "s"}`);
}

async function reportOf(bytes: Uint8Array): Promise<ModuleReport> {
  const inspection = inspectModule(bytes);
  const { customSections: _, problems: __, abi, manifest, ...rest } = inspection;
  const problems = await refusalsOf(bytes, inspection);
  return {
    sha256: createHash("sha256").update(bytes).digest("hex"),
    sizeBytes: bytes.length,
    verdict: problems.length > 0 ? "refused" : "accepted",
    problems,
    ...(abi && { abi }),
    ...(manifest && { manifest }),
    ...rest,
  };
}
