import { type Command, Option } from "commander";
import { codes } from "../model/codes.ts";
import type { MeshSettings } from "../model/mesh.ts";
import { refText } from "../model/object.ts";
import { type Problem, pathText } from "../model/problem.ts";
import { defaultNamespace } from "../model/raw-object.ts";
import { isWorthALine } from "../status/lines.ts";
import { analyzeFiles, type FileAnalysis, type TextFile } from "./analyze-files.ts";
import { chooseHome, type HomeOptions } from "./choose-home.ts";
import { CliError } from "./cli-error.ts";
import { meshProblems, runningControllers } from "./controllers.ts";
import type { CliDeps } from "./deps.ts";
import { addHomeOptions, booleanOption } from "./options.ts";
import { examples } from "./program.ts";
import { structured } from "./structured.ts";

/** istioctl's: something was found; EX_DATAERR of sysexits.h: a file is no YAML. */
const exitCodes = { found: 79, unreadable: 65 } as const;

/** From the worst. */
const levels = ["Error", "Warning", "Info"] as const;
type Level = (typeof levels)[number];
const levelOf = { error: "Error", warning: "Warning", info: "Info" } as const;

export interface AnalyzeDeps extends CliDeps {
  readonly settings: MeshSettings;
  /** The YAML and JSON files of a path, of a folder with all below it; standard input for `-`. */
  readonly readFiles: (path: string) => Promise<readonly TextFile[]>;
  readonly tryModules: FileAnalysis["tryModules"];
}

interface AnalyzeOptions extends HomeOptions {
  readonly allNamespaces?: boolean;
  readonly useKube: boolean;
  readonly output: "log" | "json" | "yaml";
  readonly outputThreshold: Level;
  readonly failureThreshold: Level;
}

interface Analysis {
  /** What was looked at, in words. */
  readonly target: string;
  readonly problems: readonly Problem[];
}

/** Adds `sluice analyze`: what is wrong with a configuration, before or after it is in force. */
export function registerAnalyze(program: Command, deps: AnalyzeDeps): void {
  const command = program
    .command("analyze")
    .argument("[path...]", "files and folders, with all below them; - is standard input; none: what is in force")
    .description("say what is wrong with a configuration")
    .option("-A, --all-namespaces", "look at all namespaces")
    .addOption(booleanOption("use-kube", "put the files on what a cluster has; false: look at them alone", "k"))
    .addOption(new Option("-o, --output <format>", "output format").choices(["log", "json", "yaml"]).default("log"))
    .addOption(thresholdOption("output-threshold", "the least that is printed", "Info"))
    .addOption(thresholdOption("failure-threshold", `the least that makes the exit code ${exitCodes.found}`, "Error"))
    .addHelpText(
      "after",
      examples([
        "# What the control plane has to say of a namespace",
        "sluice analyze -n istioinaction",
        "# Files as they would be in the cluster",
        "sluice analyze catalog.yaml mesh/",
        "# Files alone",
        "sluice analyze --use-kube=false mesh/",
      ]),
    );
  addHomeOptions(command).action(async (paths: readonly string[]) => {
    const options = command.opts<AnalyzeOptions>();
    const analysis = paths.length === 0 ? await ofMesh(options, deps) : await ofFiles(paths, options, deps);
    report(analysis, options, deps);
  });
}

function thresholdOption(name: string, text: string, level: Level): Option {
  return new Option(`--${name} <level>`, text).choices(levels).default(level);
}

/** What the controllers know, which is more than files tell: modules as they have them, and all proxies. */
async function ofMesh(options: AnalyzeOptions, deps: AnalyzeDeps): Promise<Analysis> {
  const home = await chooseHome(options, deps);
  const namespace = options.allNamespaces ? undefined : (options.namespace ?? home.namespace);
  const problems = await meshProblems(await runningControllers(home, options.istioNamespace));
  return {
    target: namespace === undefined ? "all namespaces" : `namespace: ${namespace}`,
    problems: problems.filter(
      ({ object }) => namespace === undefined || (object?.namespace ?? namespace) === namespace,
    ),
  };
}

async function ofFiles(paths: readonly string[], options: AnalyzeOptions, deps: AnalyzeDeps): Promise<Analysis> {
  const failed = (error: Error): never => {
    throw new CliError(error.message);
  };
  const files = (await Promise.all(paths.map(deps.readFiles)).catch(failed)).flat();
  const { namespace, useKube, kubeconfig = deps.kubeconfig(), context } = options;
  const hasCluster = useKube && (kubeconfig !== undefined || context !== undefined);
  const home = hasCluster ? await chooseHome(options, deps) : undefined;
  const problems = await analyzeFiles({
    ...deps,
    files,
    namespace: namespace ?? home?.namespace ?? defaultNamespace,
    cluster: (await home?.objects()) ?? [],
  });
  return { target: paths.join(", "), problems };
}

function report({ target, problems }: Analysis, options: AnalyzeOptions, deps: AnalyzeDeps): void {
  const { output, outputThreshold, failureThreshold } = options;
  const atLeast = (least: Level) => (problem: Problem) => rankOf(problem) <= levels.indexOf(least);
  const all = problems.filter(isWorthALine).toSorted((a, b) => rankOf(a) - rankOf(b));
  const shown = all.filter(atLeast(outputThreshold));
  deps.print(output === "log" ? shown.map(lineOf).join("") : structured(shown.map(described), output));
  if (output !== "log") return; // as istioctl, which then ends with 0
  const failures = all.filter(atLeast(failureThreshold));
  if (failures.some(({ code }) => code !== codes.unreadable))
    throw new CliError(`Analyzers found issues when analyzing ${target}.`, exitCodes.found);
  if (failures.length > 0) throw new CliError("Some files couldn't be parsed.", exitCodes.unreadable);
  if (shown.length === 0) deps.note(`✔ No validation issues found when analyzing ${target}.`);
}

function rankOf({ severity }: Problem): number {
  return levels.indexOf(levelOf[severity]);
}

/** The sentence of the control plane, in istioctl's frame: `Error [IST0101] (VirtualService shop/web a.yaml:4:9) …`. */
function lineOf(problem: Problem): string {
  const { level, code, origin, reference, message } = described(problem);
  const about = [origin, reference].filter((part) => part !== undefined).join(" ");
  return `${level} [${code}] ${about === "" ? "" : `(${about}) `}${message}\n`;
}

/** With istioctl's fields. */
function described({ severity, code, object, place, path = [], message }: Problem) {
  return {
    code,
    level: levelOf[severity],
    ...(object && { origin: refText(object) }),
    ...(place && { reference: `${place.file}:${place.line}:${place.column}` }),
    message: path.length === 0 ? message : `${pathText(path)} ${message}`,
  };
}
