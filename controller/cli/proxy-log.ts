import type { Command } from "commander";
import { chooseHome, type HomeOptions } from "./choose-home.ts";
import { CliError, usageExitCode } from "./cli-error.ts";
import type { CliDeps } from "./deps.ts";
import { findPods } from "./find-pod.ts";
import type { Pod } from "./home.ts";
import { addHomeOptions, adminPortOption } from "./options.ts";
import { examples } from "./program.ts";

/** Envoy's, and istioctl's `warn`. */
const levels = ["trace", "debug", "info", "warning", "warn", "error", "critical", "off"];

/** Envoy's own default is info; istioctl resets to this. */
const resetLevel = "warning";

interface LogOptions extends HomeOptions {
  readonly level?: string;
  readonly reset?: boolean;
  readonly proxyAdminPort?: number;
}

/** Adds `sluice proxy-config log`: the levels at which an Envoy logs, and their change. */
export function registerProxyLog(group: Command, deps: CliDeps): void {
  const command = group
    .command("log")
    .alias("o")
    .argument("<pod>", "[TYPE/]NAME[.NAMESPACE]; deployment/NAME, service/NAME and the like stand for all their pods")
    .description("show the log levels of an Envoy, or change them")
    .option("--level <levels>", `[LOGGER:]LEVEL,…; without a logger, of all; levels: ${levels.join(", ")}`)
    .option("-r, --reset", `set all to ${resetLevel}`)
    .addOption(adminPortOption())
    .addHelpText(
      "after",
      examples([
        "# At which level does each logger of a pod log?",
        "sluice proxy-config log webapp",
        "# Follow requests and retries, in every pod of a Deployment",
        "sluice pc log deploy/webapp --level http:debug,router:debug",
        "# Back to normal",
        "sluice pc log deploy/webapp -r",
      ]),
    );
  addHomeOptions(command).action(async (name: string) => {
    const options = command.opts<LogOptions>();
    const paths = changesOf(options);
    for (const pod of await findPods(name, options.namespace, await chooseHome(options, deps)))
      deps.print(`${pod.name}.${pod.namespace}:\n${await change(pod, paths, options.proxyAdminPort)}`);
  });
}

/** What to POST, in order; the answer to the last one has all levels. @throws {CliError} for what is no level */
function changesOf({ level, reset }: LogOptions): readonly string[] {
  if (reset && level !== undefined) throw new CliError("--level cannot be combined with --reset", usageExitCode);
  if (reset) return [`/logging?level=${resetLevel}`];
  if (level === undefined) return ["/logging"];
  const parts = level.split(",").map((part) => part.split(/[:=]/));
  const wrong = parts.filter((words) => words.length > 2 || !levels.includes(words.at(-1) ?? ""));
  if (wrong.length > 0) {
    const texts = wrong.map((words) => `"${words.join(":")}"`).join(", ");
    throw new CliError(`${texts}: write [LOGGER:]LEVEL with a level of ${levels.join(", ")}`, usageExitCode);
  }
  const own = (word: string | undefined): string => (word === "warn" ? "warning" : (word ?? ""));
  const all = parts.flatMap(([first, second]) => (second === undefined ? [own(first)] : []));
  const some = parts.flatMap(([first, second]) => (second === undefined ? [] : [`${first}:${own(second)}`]));
  return [
    ...all.map((word) => `/logging?level=${word}`),
    ...(some.length > 0 ? [`/logging?paths=${encodeURIComponent(some.join(","))}`] : []),
  ];
}

/** Envoy answers `GET /logging` with 405: only a POST reads the levels. */
async function change(pod: Pod, paths: readonly string[], port: number | undefined): Promise<string> {
  let answer = "";
  for (const path of paths) {
    answer = await pod.admin({ method: "POST", path }, port).catch((error: Error) => {
      throw new CliError(`Envoy of ${pod.name}.${pod.namespace}: ${error.message}`);
    });
  }
  return answer;
}
