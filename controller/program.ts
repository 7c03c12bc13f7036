// The commands of `sluice`, and the edges that they share. Each loads what it needs when it is called.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process, { stderr, stdout } from "node:process";
import { type Command, InvalidArgumentError } from "commander";
import { examples, execute, newProgram } from "./cli/program.ts";
import { registerProxyConfig } from "./cli/proxy-config.ts";
import { registerProxyStatus } from "./cli/proxy-status.ts";
import { registerVersion } from "./cli/version.ts";
import { cliDeps } from "./cli-deps.ts";
import { registerExec, registerUp } from "./embedded.ts";
import { registerInjection } from "./injection.ts";
import type { Log } from "./ports/log.ts";

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
  registerUp(program, log);
  registerController(program, version);
  registerProxyStatus(program, deps);
  registerProxyConfig(program, deps);
  registerExec(program, deps);
  registerInjection(program, deps);
  registerVersion(program, deps);
  return execute(program, args, (output) => void stderr.write(output));
}

interface ControllerFlags {
  readonly config: readonly string[];
  readonly xdsAddress: string;
  readonly xdsPort: number;
  readonly monitoringPort: number;
}

function registerController(program: Command, version: string): void {
  program
    .command("controller")
    .description("run the control plane alone; `sluice up` starts it as its child")
    .requiredOption("--config <dir...>", "folders of YAML; they are watched")
    .option("--xds-address <ip>", "where delta ADS is served", "127.0.0.1")
    .option("--xds-port <port>", "of delta ADS", portNumber, 15010)
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
