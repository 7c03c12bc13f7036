#!/usr/bin/env node
import { once } from "node:events";
// The `sluice` program, and the only place that builds edges.
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import process, { argv, env, execPath, stderr, stdin, stdout } from "node:process";
import { text } from "node:stream/consumers";
import { type Command, InvalidArgumentError } from "commander";
import { locateEnvoy } from "../setup/envoy.mjs";
import type { CliDeps } from "./cli/deps.ts";
import { httpGet } from "./cli/http-get.ts";
import { examples, execute, newProgram } from "./cli/program.ts";
import { registerProxyConfig } from "./cli/proxy-config.ts";
import { registerProxyStatus } from "./cli/proxy-status.ts";
import { ControlPlane } from "./control-plane.ts";
import { parseObject } from "./crd/parse-object.ts";
import { ObjectStore } from "./mesh/object-store.ts";
import { defaultSettings } from "./model/mesh.ts";
import { Preflight } from "./modules/preflight.ts";
import { ModuleStore } from "./modules/store.ts";
import { FileWatcher } from "./modules/watch.ts";
import { realClock } from "./ports/clock.ts";
import type { Log } from "./ports/log.ts";
import { isRunning } from "./run/leftovers.ts";
import type { RunnerDeps } from "./run/runner.ts";
import { readRuns } from "./run/state.ts";
import { up } from "./run/up.ts";
import { watchFiles } from "./sources/files.ts";
import { serveMonitoring } from "./status/monitoring.ts";
import { deny } from "./translate/deny.ts";
import { XdsServer } from "./xds/server.ts";

const root = dirname(import.meta.dirname);
const main = join(import.meta.dirname, "main.ts");
const host = "127.0.0.1";
const packageFile = readFileSync(join(import.meta.dirname, "package.json"), "utf8");
const { version } = JSON.parse(packageFile) as { readonly version: string };

const log: Log = {
  info: (line) => void stdout.write(`${line}\n`),
  warn: (line) => void stdout.write(`warning: ${line}\n`),
  error: (line) => void stdout.write(`error: ${line}\n`),
};

const cliDeps: CliDeps = {
  meshes: () => readRuns(env).filter((run) => run.processes.some((mark) => mark.pid === run.pid && isRunning(mark))),
  readText: (path) => (path === "-" ? text(stdin) : readFile(path, "utf8")),
  get: httpGet,
  nowMs: () => realClock.nowMs(),
  print: (output) => void stdout.write(output),
};

const program = newProgram(version, {
  out: (output) => void stdout.write(output),
  err: (output) => void stderr.write(output),
});
registerUp(program);
registerController(program);
registerProxyStatus(program, cliDeps);
registerProxyConfig(program, cliDeps);
process.exitCode = await execute(program, argv.slice(2), (output) => void stderr.write(output));

function registerUp(parent: Command): void {
  parent
    .command("up")
    .argument("<dir>", "folder of YAML; it is watched")
    .description("run the mesh that a folder describes: the control plane, Envoys and workloads, on this machine")
    .addHelpText("after", examples(["sluice up examples/outfitters/mesh"]))
    .action(async (dir: string) => {
      const { path: envoyPath } = locateEnvoy();
      const deps: RunnerDeps = {
        watch: watchObjects,
        envoyPath,
        program: [execPath, main],
        env,
        clock: realClock,
        random: Math.random,
        log,
      };
      process.exit(await up({ dir, settings: defaultSettings }, deps)); // watchers and children's pipes would keep it
    });
}

/** All objects in force below a folder, whatever is wrong with others: the controller says that. */
async function watchObjects(dir: string, onObjects: Parameters<RunnerDeps["watch"]>[1]): Promise<() => Promise<void>> {
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

function registerController(parent: Command): void {
  parent
    .command("controller")
    .description("run the control plane alone; `sluice up` starts it as its child")
    .requiredOption("--config <dir...>", "folders of YAML; they are watched")
    .option("--xds-port <port>", "delta ADS, on 127.0.0.1", portNumber, 15010)
    .option("--monitoring-port <port>", "status pages, on 127.0.0.1", portNumber, 15014)
    .addHelpText("after", examples(["sluice controller --config mesh"]))
    .action(runController);
}

async function runController({ config, xdsPort, monitoringPort }: ControllerFlags): Promise<void> {
  const preflight = new Preflight();
  const watcher = new FileWatcher((file) => modules.changed(file));
  const rebuild = (): void => {
    plane.rebuild();
    watcher.watch(modules.files());
  };
  const modules = new ModuleStore({
    read: (file) => readFile(file),
    check: (job) => preflight.check(job),
    builtinFile: (name) => join(root, "build", `${name}.wasm`),
    onChange: rebuild,
  });
  const plane = new ControlPlane({
    settings: defaultSettings,
    controller: `sluice-${process.pid}`,
    modules,
    push: () => xds.push(),
    proxies: () => xds.proxies(),
    clock: realClock,
    log,
  });
  const xds = new XdsServer({
    targetFor: (proxy) => plane.targetFor(proxy),
    deny,
    onEvent: (event) => plane.onEvent(event),
    clock: realClock,
    log,
    identifier: `sluice-${process.pid}`,
  });
  const source = await watchFiles({
    folders: config,
    clock: realClock,
    onBatch: (batch) => {
      plane.update(batch);
      watcher.watch(modules.files());
    },
  });
  await modules.settled(); // a proxy that is there already must not be told to deny what is only not loaded yet
  const monitoring = await serveMonitoring(
    { host, port: monitoringPort },
    {
      isReady: () => true,
      pages: {
        "/debug/syncz": () => plane.status.proxies,
        "/debug/pluginz": () => plane.status.plugins,
        "/debug/problemz": () => plane.status.problems,
      },
    },
  );
  await xds.listen(`${host}:${xdsPort}`);
  await Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
  monitoring.close();
  watcher.close();
  preflight.close();
  await source.close();
  await xds.close();
}

function portNumber(value: string): number {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new InvalidArgumentError("a port is 0 to 65535");
  return port;
}
