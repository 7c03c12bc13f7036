// The commands of `sluice`, and the edges that they share. Each loads what it needs when it is called.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process, { env, execPath, stderr, stdout } from "node:process";
import { type Command, InvalidArgumentError } from "commander";
import { CliError } from "./cli/cli-error.ts";
import { examples, execute, newProgram } from "./cli/program.ts";
import { registerProxyConfig } from "./cli/proxy-config.ts";
import { registerProxyStatus } from "./cli/proxy-status.ts";
import { registerVersion } from "./cli/version.ts";
import { cliDeps } from "./cli-deps.ts";
import { defaultSettings } from "./model/mesh.ts";
import { realClock } from "./ports/clock.ts";
import type { Log } from "./ports/log.ts";
import type { RunnerDeps } from "./run/runner.ts";

const log: Log = {
  info: (line) => void stdout.write(`${line}\n`),
  warn: (line) => void stdout.write(`warning: ${line}\n`),
  error: (line) => void stdout.write(`error: ${line}\n`),
};

/** What a shell says of a program that SIGPIPE ended, which is how other programs end behind `| head`. */
const brokenPipeExitCode = 141;

/** Runs one command line, without `node` and the script; resolves with the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  stdout.once("error", () => process.exit(brokenPipeExitCode));
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "package.json"), "utf8")) as {
    readonly version: string;
  };
  const program = newProgram(version, {
    out: (output) => void stdout.write(output),
    err: (output) => void stderr.write(output),
  });
  const deps = cliDeps(version);
  registerUp(program);
  registerController(program, version);
  registerProxyStatus(program, deps);
  registerProxyConfig(program, deps);
  registerVersion(program, deps);
  return execute(program, args, (output) => void stderr.write(output));
}

function registerUp(program: Command): void {
  program
    .command("up")
    .argument("<dir>", "folder of YAML; it is watched")
    .description("run the mesh that a folder describes: the control plane, Envoys and workloads, on this machine")
    .addHelpText("after", examples(["sluice up examples/outfitters/mesh"]))
    .action(async (dir: string) => {
      const { locateEnvoy } = await import("../setup/envoy.mjs");
      const { up } = await import("./run/up.ts");
      const deps: RunnerDeps = {
        watch: watchObjects,
        envoyPath: envoyPath(locateEnvoy),
        program: [execPath, join(import.meta.dirname, "main.ts")],
        env,
        clock: realClock,
        random: Math.random,
        log,
      };
      process.exit(await up({ dir, settings: defaultSettings }, deps)); // watchers and children's pipes would keep it
    });
}

function envoyPath(locate: () => { readonly path: string }): string {
  try {
    return locate().path;
  } catch (error) {
    throw new CliError(error instanceof Error ? error.message : String(error));
  }
}

/** All objects in force below a folder, whatever is wrong with others: the controller says that. */
async function watchObjects(dir: string, onObjects: Parameters<RunnerDeps["watch"]>[1]): Promise<() => Promise<void>> {
  const { watchFiles } = await import("./sources/files.ts");
  const { parseObject } = await import("./crd/parse-object.ts");
  const { ObjectStore } = await import("./mesh/object-store.ts");
  const store = new ObjectStore();
  const source = await watchFiles({
    folders: [dir],
    clock: realClock,
    onBatch: ({ objects }) => onObjects(store.update(objects.map(parseObject))),
  });
  return () => source.close();
}

interface ControllerFlags {
  readonly config: readonly string[];
  readonly xdsPort: number;
  readonly monitoringPort: number;
}

function registerController(program: Command, version: string): void {
  program
    .command("controller")
    .description("run the control plane alone; `sluice up` starts it as its child")
    .requiredOption("--config <dir...>", "folders of YAML; they are watched")
    .option("--xds-port <port>", "delta ADS, on 127.0.0.1", portNumber, 15010)
    .option("--monitoring-port <port>", "status pages, on 127.0.0.1", portNumber, 15014)
    .addHelpText("after", examples(["sluice controller --config mesh"]))
    .action(async ({ config, ...ports }: ControllerFlags) => {
      const { serve } = await import("./serve.ts");
      await serve({ folders: config, ...ports, version, log }).catch((error: Error) => {
        stderr.write(`Error: ${error.message}\n`);
        process.exit(1); // what it had opened by then would keep it
      });
    });
}

function portNumber(value: string): number {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new InvalidArgumentError("a port is 0 to 65535");
  return port;
}
