// The commands of `sluice`, and the edges that they share. Each loads what it needs when it is called.
import { writeFile } from "node:fs/promises";
import process, { stderr, stdout } from "node:process";
import { analyzeDeps } from "./analyze-deps.ts";
import { registerAnalyze } from "./cli/analyze.ts";
import { registerInit } from "./cli/init.ts";
import { registerInstall } from "./cli/install.ts";
import { registerKubeInject } from "./cli/kube-inject.ts";
import { registerModuleInspect } from "./cli/module-inspect.ts";
import { registerModuleTrace } from "./cli/module-trace.ts";
import { registerNewFilter } from "./cli/new-filter.ts";
import { registerPrecheck } from "./cli/precheck.ts";
import { execute, newProgram } from "./cli/program.ts";
import { registerProxyConfig } from "./cli/proxy-config.ts";
import { registerProxyStatus } from "./cli/proxy-status.ts";
import { registerUninstall } from "./cli/uninstall.ts";
import { registerVerifyInstall } from "./cli/verify-install.ts";
import { registerVersion } from "./cli/version.ts";
import { cliDeps, installDeps, newFilterDeps, readBytes } from "./cli-deps.ts";
import { registerController } from "./controller-command.ts";
import { registerExec, registerUp } from "./embedded.ts";
import { defaultSettings } from "./model/mesh.ts";
import { version } from "./model/version.ts";
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
  const program = newProgram(version, {
    out: (output) => void stdout.write(output),
    err: (output) => void stderr.write(output),
  });
  const deps = cliDeps(version);
  registerUp(program, log);
  registerController(program, { version, log });
  registerProxyStatus(program, deps);
  registerProxyConfig(program, deps);
  registerAnalyze(program, { ...deps, ...analyzeDeps });
  registerExec(program, deps);
  registerInit(program, {
    ...deps,
    applyRules: async (rules) => (await import("./init/apply.ts")).applyRules(rules),
    ipv6Addresses: async () => (await import("./init/apply.ts")).ipv6Addresses(),
  });
  registerKubeInject(program, { ...deps, settings: defaultSettings, writeText: writeFile });
  const module = program.command("module").description("look into a filter's module");
  registerModuleInspect(module, { ...deps, readBytes });
  registerModuleTrace(module, deps);
  registerNewFilter(program.command("new").description("begin something"), { ...newFilterDeps, version });
  registerVersion(program, deps);
  const installation = installDeps(version);
  registerInstall(program, installation);
  registerVerifyInstall(program, installation);
  registerUninstall(program, installation);
  registerPrecheck(program, installation);
  return execute(program, args, (output) => void stderr.write(output));
}
