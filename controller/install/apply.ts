import { targetOf } from "../kube/api.ts";
import type { Clock } from "../ports/clock.ts";
import { type Component, components, everything } from "./components.ts";
import type { InstallApi } from "./install-api.ts";
import { unreadinessOf } from "./look.ts";
import { isOurs, type Manifest, nameOf } from "./manifest.ts";
import type { InstallSettings } from "./settings.ts";

export interface Installer {
  readonly api: InstallApi;
  readonly clock: Clock;
  /** A line for the user. */
  readonly say: (line: string) => void;
}

export interface InstallOptions {
  readonly settings: InstallSettings;
  /** Of this program. */
  readonly version: string;
  /** How long a component may take to become ready; `undefined`: it is not waited for. */
  readonly timeoutMs: number | undefined;
}

/** How often is looked whether something is ready, or gone. */
export const lookMs = 500;

/**
 * Applies all parts, each after the one before is ready, and says so. A second time changes nothing.
 *
 * CRDs of Istio's own, and a namespace that is there, are used as they are; anything else that is there under one of our
 * names and is not ours fails.
 *
 * @returns false where a part failed, which has been said; the parts after it were not tried
 */
export async function install(options: InstallOptions, installer: Installer): Promise<boolean> {
  for (const component of components(options.settings)) {
    try {
      await applyComponent(component, options, installer);
    } catch (error) {
      installer.say(`✘ ${component.name} encountered an error: ${messageOf(error)}`);
      return false;
    }
    installer.say(`✔ ${component.name} installed`);
  }
  await prune(options, installer);
  installer.say("✔ Installation complete");
  return true;
}

async function applyComponent(
  { objects }: Component,
  { timeoutMs }: InstallOptions,
  installer: Installer,
): Promise<void> {
  const { api, say } = installer;
  const foreign: string[] = [];
  for (const object of objects) {
    const there = await api.get(targetOf(object));
    if (there === undefined || isOurs(there)) await applied(object, api);
    else if (object.kind === "CustomResourceDefinition") foreign.push(object.metadata.name);
    else if (object.kind !== "Namespace")
      throw new Error(`${nameOf(object)}: is there already, and Sluice did not install it; it would be overwritten`);
  }
  if (foreign.length > 0) say(`  Used as they are, since others installed them: ${foreign.join(", ")}`);
  if (timeoutMs !== undefined) await ready(objects, timeoutMs, installer);
}

async function applied(object: Manifest, api: InstallApi): Promise<void> {
  try {
    await api.apply(targetOf(object), object);
  } catch (error) {
    throw new Error(`${nameOf(object)}: ${messageOf(error)}`, { cause: error });
  }
}

/** Waits until all objects do their work. */
async function ready(objects: readonly Manifest[], timeoutMs: number, { api, clock }: Installer): Promise<void> {
  const endMs = clock.nowMs() + timeoutMs;
  for (let rest: readonly Unready[] = objects.map((object) => ({ object, reason: "" })); ; ) {
    rest = await stillUnready(rest, api);
    if (rest.length === 0) return;
    if (clock.nowMs() >= endMs) throw new Error(`${causes(rest).join("; ")}, after ${timeoutMs / 1000} s`);
    await new Promise<void>((resolve) => clock.after(lookMs, resolve));
  }
}

interface Unready {
  readonly object: Manifest;
  readonly reason: string;
}

async function stillUnready(rest: readonly Unready[], api: InstallApi): Promise<readonly Unready[]> {
  const looks = rest.map(async ({ object }) => ({ object, reason: await unreadinessOf(object, api) }));
  return (await Promise.all(looks)).flatMap(({ object, reason }) => (reason === undefined ? [] : [{ object, reason }]));
}

/** What waits for the control plane is not told beside what keeps that from running. */
function causes(rest: readonly Unready[]): readonly string[] {
  const deployments = rest.filter(({ object }) => object.kind === "Deployment");
  return (deployments.length > 0 ? deployments : rest).map(({ object, reason }) => `${nameOf(object)}: ${reason}`);
}

/** What another profile had. */
async function prune({ settings, version }: InstallOptions, { api, say }: Installer): Promise<void> {
  const wanted = new Set(components(settings).flatMap(({ objects }) => objects.map(nameOf)));
  for (const object of everything(version)) {
    if (wanted.has(nameOf(object))) continue;
    const there = await api.get(targetOf(object));
    if (there && isOurs(there) && (await api.delete(targetOf(object)))) say(`  Removed ${nameOf(object)}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
