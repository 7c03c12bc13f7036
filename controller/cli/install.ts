import type { Command } from "commander";
import { durationComplaint, durationMs } from "../crd/duration.ts";
import { install } from "../install/apply.ts";
import { type Component, components } from "../install/components.ts";
import { helmRelease } from "../install/helm.ts";
import { defaultInstallSettings, type InstallSettings, readSettings } from "../install/settings.ts";
import { yamlOf } from "../install/yaml.ts";
import { CliError, usageExitCode } from "./cli-error.ts";
import type { KubeOptions } from "./deps.ts";
import { type InstallDeps, saying, withApi } from "./install-deps.ts";
import { addClusterOptions } from "./options.ts";
import { examples } from "./program.ts";

interface Flags extends KubeOptions {
  readonly set?: readonly string[];
  readonly dryRun?: true;
  readonly skipConfirmation?: true;
  readonly wait: boolean;
  readonly timeout: string;
}

/** Adds `sluice install`: all that a cluster needs for a mesh, as istioctl does it. */
export function registerInstall(program: Command, deps: InstallDeps): void {
  const { profile, ...rest } = defaultInstallSettings(deps.version);
  const command = program
    .command("install")
    .description("install the control plane and an ingress gateway into a Kubernetes cluster, or bring them up to date")
    .option(
      "-s, --set <key=value>",
      `profile=${profile} or minimal (no gateway); the image is <hub>/sluice:<tag>; ${Object.entries(rest)
        .map(([key, value]) => `${key}=${value}`)
        .join(", ")}`,
      (text: string, all: readonly string[] = []) => [...all, text],
    )
    .option("--dry-run", "print all objects as YAML, and change nothing")
    .option("-y, --skip-confirmation", "do not ask")
    .option("--no-wait", "do not wait until everything is ready")
    .option("--timeout <duration>", "how long each component may take to become ready", "5m")
    .addHelpText(
      "after",
      examples(["sluice install --set profile=default -y", "sluice install --dry-run > sluice.yaml"]),
    );
  addClusterOptions(command).action((flags: Flags) => run(flags, deps));
}

async function run(
  { set = [], dryRun, skipConfirmation, wait, timeout, ...cluster }: Flags,
  deps: InstallDeps,
): Promise<void> {
  const { settings, problems } = readSettings(set, defaultInstallSettings(deps.version));
  const complaint = durationComplaint(timeout);
  const all = [...problems, ...(complaint === undefined ? [] : [`--timeout is "${timeout}": ${complaint}`])];
  if (all.length > 0) throw new CliError(all.join("\n"), usageExitCode);
  const parts = components(settings);
  if (dryRun) return deps.print(yamlOf(parts.flatMap(({ objects }) => objects)));
  const ok = await withApi(deps, cluster, async (api) => {
    const release = await helmRelease(deps.version, api);
    if (release !== undefined)
      throw new CliError(`Sluice is installed as Helm release ${release}; helm upgrade brings it up to date`);
    if (!skipConfirmation && !(await deps.confirm(question(settings, parts, deps.version))))
      throw new CliError("Cancelled.");
    const timeoutMs = wait ? durationMs(timeout) : undefined;
    return install({ settings, version: deps.version, timeoutMs }, { api, clock: deps.clock, say: saying(deps) });
  });
  if (!ok) throw new CliError("failed to install Sluice; what is there stays, and `sluice install` goes on from it");
}

function question({ profile }: InstallSettings, parts: readonly Component[], version: string): string {
  const names = parts.map(({ name }) => JSON.stringify(name)).join(" ");
  return `This will install the Sluice ${version} ${profile} profile with [${names}] components into the cluster. Proceed? (y/N) `;
}
