import { type Command, Option } from "commander";
import type { ProxySync } from "../status/sync.ts";
import { chooseHome, type HomeOptions } from "./choose-home.ts";
import { CliError } from "./cli-error.ts";
import { type ControllerVersion, connectedProxies, controllerVersions } from "./controllers.ts";
import type { CliDeps } from "./deps.ts";
import { addHomeOptions, booleanOption } from "./options.ts";
import { examples } from "./program.ts";
import { structured } from "./structured.ts";

export interface Versions {
  /** Of this program. */
  readonly client: string;
  /** Absent where the mesh was not asked or has none. */
  readonly mesh?: {
    readonly controllers: readonly ControllerVersion[];
    readonly proxies: readonly Pick<ProxySync, "name" | "version">[];
  };
}

/** As istioctl prints them: controllers of one version are the control plane, and proxies are counted by version. */
export function versionText({ client, mesh }: Versions): string {
  const lines = [`client version: ${client}`];
  if (mesh) {
    const controllers = new Set(mesh.controllers.map(({ version }) => version));
    if (controllers.size === 1) lines.push(`control plane version: ${[...controllers].join()}`);
    else lines.push(...mesh.controllers.map(({ name, version }) => `${name} version: ${version}`));
    lines.push(`data plane version: ${proxiesText(mesh.proxies)}`);
  }
  return lines.map((line) => `${line}\n`).join("");
}

/** Each controller and each proxy: `--short=false`. */
export function longVersionText({ client, mesh }: Versions): string {
  const { controllers = [], proxies = [] } = mesh ?? {};
  const lines = [
    `client version: ${client}`,
    ...controllers.map(({ name, version }) => `${name} version: ${version}`),
    ...proxies.map(({ name, version }) => `data plane version: ${version} (${name})`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** `1.40.0 (2 proxies), 1.41.0 (1 proxies)`, or `none`. */
function proxiesText(proxies: readonly Pick<ProxySync, "version">[]): string {
  const groups = Map.groupBy(proxies, ({ version }) => version || "unknown");
  const texts = [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([version, all]) => `${version} (${all.length} proxies)`);
  return texts.length === 0 ? "none" : texts.join(", ");
}

/** With istioctl's field names; what it calls a proxy's IstioVersion is that of its Envoy. */
export function versionObject({ client, mesh }: Versions): object {
  return {
    clientVersion: { version: client },
    ...(mesh && {
      meshVersion: mesh.controllers.map(({ name, version }) => ({ Component: name, Info: { version } })),
      dataPlaneVersion: mesh.proxies.map(({ name, version }) => ({ ID: name, IstioVersion: version })),
    }),
  };
}

interface VersionOptions extends HomeOptions {
  readonly output?: "json" | "yaml";
  readonly short: boolean;
  readonly remote: boolean;
}

/** Adds `sluice version`: of this program, of the control plane and of the proxies. */
export function registerVersion(program: Command, deps: CliDeps): void {
  const command = program
    .command("version")
    .description("print the versions of this program, the control plane and the proxies")
    .addOption(new Option("-o, --output <format>", "output format").choices(["json", "yaml"]))
    .addOption(booleanOption("short", "false: every controller and every proxy", "s"))
    .addOption(booleanOption("remote", "false: only the version of this program"))
    .addHelpText("after", examples(["sluice version", "sluice version --remote=false", "sluice version -o json"]));
  addHomeOptions(command).action(async () => {
    const options = command.opts<VersionOptions>();
    const { output, short, remote } = options;
    const mesh = remote ? await meshVersions(options, deps) : undefined;
    const versions: Versions = { client: deps.version, ...(mesh && { mesh }) };
    if (output) deps.print(structured(versionObject(versions), output));
    else deps.print(short ? versionText(versions) : longVersionText(versions));
  });
}

/** As istioctl: a mesh that is not there, or does not answer, is a remark and no failure. */
async function meshVersions(options: HomeOptions, deps: CliDeps): Promise<Versions["mesh"]> {
  try {
    const controllers = await (await chooseHome(options, deps)).controllers();
    if (controllers.length === 0) throw new CliError(`no controller runs in namespace ${options.istioNamespace}`);
    const [versions, proxies] = await Promise.all([controllerVersions(controllers), connectedProxies(controllers)]);
    return { controllers: versions, proxies };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    deps.note(`Sluice is not present in the cluster: ${error.message}`);
    return undefined;
  }
}
