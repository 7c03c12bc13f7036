import { crds } from "../crd/definitions.ts";
import { fieldManager, type KubeObject, targetOf, typeOf } from "../kube/api.ts";
import { fieldsOf } from "../model/raw-object.ts";
import { rootConfigMap, rootSecrets } from "../model/root-names.ts";
import { type Installer, lookMs } from "./apply.ts";
import { everything } from "./components.ts";
import { contents } from "./contents.ts";
import { controlPlaneName } from "./control-plane.ts";
import type { InstallApi } from "./install-api.ts";
import { isOurs, nameOf, namespace } from "./manifest.ts";

/** What an uninstallation would do, to be agreed to. */
export interface Removal {
  /** All that the installation and its control plane made, in the order in which it goes; definitions last. */
  readonly objects: readonly KubeObject[];
  /** Definitions of ours whose objects users wrote, with how many of them there are. */
  readonly inUse: ReadonlyMap<string, number>;
}

/** Looks at what is there. */
export async function planRemoval(version: string, api: InstallApi): Promise<Removal> {
  const found: KubeObject[] = [];
  for (const object of everything(version)) {
    const there = await api.get(targetOf(object));
    if (there && isOurs(there)) found.push(there);
  }
  const inUse = new Map<string, number>();
  for (const { metadata, spec } of crds()) {
    if (!found.some((object) => object.metadata.name === metadata.name)) continue;
    const stored = spec.versions.find(({ storage }) => storage);
    const type = { group: spec.group, version: stored?.name ?? "", plural: spec.names.plural };
    const { items } = await api.list(type);
    if (items.length > 0) inUse.set(metadata.name, items.length);
  }
  const rank = (object: KubeObject): number => order.indexOf(object.kind);
  return { objects: [...found, ...(await made(api))].sort((a, b) => rank(a) - rank(b)), inUse };
}

/**
 * Nothing may stop pods or objects once the control plane is gone, so the webhooks go first; and the control plane before
 * what it would make again.
 */
const order = [
  "MutatingWebhookConfiguration",
  "ValidatingWebhookConfiguration",
  "Deployment",
  "Service",
  "NetworkPolicy",
  "ClusterRoleBinding",
  "ClusterRole",
  "RoleBinding",
  "Role",
  "ServiceAccount",
  "ConfigMap",
  "Secret",
  "CustomResourceDefinition",
  "Namespace",
];

/** What the control plane itself keeps: the root of trust, and its certificate in every namespace. */
async function made(api: InstallApi): Promise<KubeObject[]> {
  const certificates = await api.list(typeOf("v1", "ConfigMap"), {
    fieldSelector: `metadata.name=${rootConfigMap.name}`,
  });
  const root = await api.get({ ...typeOf("v1", "Secret"), namespace, name: rootSecrets.selfMade });
  const typed = certificates.items.map((item) => ({ ...item, apiVersion: "v1", kind: "ConfigMap" }));
  return [...typed, ...(root ? [root] : [])].filter((object) => isOurs(object) || isWrittenByUs(object));
}

/** A mesh of Istio's in the same cluster has objects of the same names. */
function isWrittenByUs({ metadata }: KubeObject): boolean {
  if (metadata.labels?.["app"] === controlPlaneName) return true;
  const writers = metadata["managedFields"];
  return Array.isArray(writers) && writers.some((writer) => fieldsOf(writer)["manager"] === fieldManager);
}

/** How long something may take to be gone, in ms: a pod has 30 s to end. */
const goneMsMax = 120_000;

/**
 * Removes what was planned. A definition with users' objects stays, unless `purge` says that they go with it; so does the
 * namespace while others have something in it.
 *
 * @returns false where something was not gone in time, which has been said: what is left is removed by doing it again
 */
export async function remove(
  { objects, inUse }: Removal,
  { purge }: { readonly purge: boolean },
  installer: Installer,
): Promise<boolean> {
  const { api, say } = installer;
  for (const object of objects) {
    const reason = await reasonToKeep(object, purge ? new Map() : inUse, api);
    if (reason !== undefined) say(`  Kept ${nameOf(object)}: ${reason}`);
    else if (await api.delete(targetOf(object), { propagationPolicy: "Foreground" })) {
      if (!(await isGone(object, installer))) {
        say(`✘ ${nameOf(object)} is not gone after ${goneMsMax / 1000} s: see its finalizers`);
        return false;
      }
      say(`  Removed ${nameOf(object)}`);
    }
  }
  say("✔ Uninstall complete");
  return true;
}

async function reasonToKeep(object: KubeObject, inUse: Removal["inUse"], api: InstallApi): Promise<string | undefined> {
  const count = inUse.get(object.metadata.name) ?? 0;
  if (object.kind === "CustomResourceDefinition" && count > 0)
    return `it has ${count} ${count === 1 ? "object" : "objects"}; --purge removes them too`;
  if (object.kind !== "Namespace") return undefined;
  return othersIn(api);
}

/** All of it that can't be seen is taken for somebody's. */
async function othersIn(api: InstallApi): Promise<string | undefined> {
  try {
    const others = await contents(namespace, api);
    const more = others.length > namedMax ? ` and ${others.length - namedMax} more` : "";
    return others.length === 0 ? undefined : `it has ${others.slice(0, namedMax).join(", ")}${more}`;
  } catch (error) {
    return `what is in it can't be listed: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** How many of the objects in the namespace are named. */
const namedMax = 10;

async function isGone(object: KubeObject, { api, clock }: Installer): Promise<boolean> {
  const endMs = clock.nowMs() + goneMsMax;
  while ((await api.get(targetOf(object))) !== undefined) {
    if (clock.nowMs() >= endMs) return false;
    await new Promise<void>((resolve) => clock.after(lookMs, resolve));
  }
  return true;
}
