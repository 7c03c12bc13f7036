import { CliError, usageExitCode } from "./cli-error.ts";
import type { Home, Pod } from "./home.ts";
import { compareText } from "./order.ts";
import { type SelectingKind, selectingKindOf, selectingKinds } from "./selecting-kinds.ts";

const podTypes = ["pod", "pods", "po"];

/** As istioctl: `deploy/webapp.shop` and `webapp-7d9c-x2k9q.shop`. */
interface Reference {
  /** `Pod`, or what selects pods; absent: the name alone decides. */
  readonly kind?: "Pod" | SelectingKind;
  readonly name: string;
  readonly namespace?: string;
}

/** What {@link Reference} stands for. */
interface Match {
  /** Never empty; ready ones first. */
  readonly found: readonly Pod[];
  /** They are all pods of the one object that was named as what selects them. */
  readonly isSelected: boolean;
}

/**
 * The pod that a user means by `[TYPE/]NAME[.NAMESPACE]`: its whole name, else its Deployment's, else the beginning of
 * its name. `deployment/NAME`, `service/NAME` and the like stand for the first of the pods that they select, ready ones
 * before others.
 *
 * @param namespace of a name that has none
 * @throws {CliError} that names the candidates where none or several fit
 */
export async function findPod(text: string, namespace: string | undefined, home: Home): Promise<Pod> {
  return one(text, await find(text, namespace, home));
}

/** Like {@link findPod}, but what selects pods stands for all of them. */
export async function findPods(text: string, namespace: string | undefined, home: Home): Promise<readonly Pod[]> {
  const match = await find(text, namespace, home);
  return match.isSelected ? match.found : [one(text, match)];
}

function one(text: string, { found, isSelected }: Match): Pod {
  const [pod, ...others] = found;
  if (pod === undefined || (others.length > 0 && !isSelected))
    throw new CliError(`"${text}" stands for several pods: ${list(found)}; write one of them`);
  return pod;
}

async function find(text: string, inNamespace: string | undefined, home: Home): Promise<Match> {
  const { kind, name, namespace = inNamespace } = parse(text);
  const isSelected = kind !== undefined && kind !== "Pod";
  const pods = isSelected ? await home.selected({ kind, name }, namespace) : await home.pods(namespace);
  if (pods === undefined) throw new CliError(`no ${kind} "${name}" ${home.place(namespace)}`);
  const meant = (of: readonly Pod[]): readonly Pod[] => (isSelected ? of : candidates(kind, name, of));
  const proxied = pods.filter(({ hasProxy }) => hasProxy);
  const found = meant(proxied).toSorted((a, b) => Number(b.ready) - Number(a.ready) || compareText(a.name, b.name));
  const [first] = found;
  if (first !== undefined) return { found, isSelected: isSelected && found.every((pod) => isBeside(first, pod)) };
  const bare = meant(pods);
  if (bare.length > 0)
    throw new CliError(`no proxy runs in ${list(bare)}: injection gives pods one when they are made`);
  if (isSelected) throw new CliError(`${kind} "${name}" ${home.place(namespace)} has no running pod`);
  const there = proxied.length === 0 ? "there is none" : `there are ${list(proxied)}`;
  throw new CliError(`no running pod "${text}" with a proxy ${home.place(namespace)}; ${there}`);
}

/** What follows the last dot is a namespace. */
function parse(text: string): Reference {
  const slash = text.indexOf("/");
  const type = slash < 0 ? undefined : text.slice(0, slash).toLowerCase();
  const kind = type === undefined ? undefined : podTypes.includes(type) ? "Pod" : selectingKindOf(type);
  if (type !== undefined && kind === undefined) {
    const types = Object.values(selectingKinds).map(({ names: [name] }) => name);
    throw new CliError(
      `"${text}" does not refer to a pod: write pod/NAME, ${types.join("/NAME, ")}/NAME`,
      usageExitCode,
    );
  }
  const full = text.slice(slash + 1);
  const dot = full.lastIndexOf(".");
  return {
    ...(kind !== undefined && { kind }),
    ...(dot > 0 ? { name: full.slice(0, dot), namespace: full.slice(dot + 1) } : { name: full }),
  };
}

/** The closest way of naming that fits any pod decides. */
function candidates(kind: "Pod" | undefined, name: string, pods: readonly Pod[]): readonly Pod[] {
  const ways: readonly ((pod: Pod) => boolean)[] = [
    (pod) => pod.name === name,
    ...(kind === undefined ? [(pod: Pod) => pod.workload === name] : []),
    (pod) => pod.name.startsWith(name),
  ];
  return ways.map((way) => pods.filter(way)).find((found) => found.length > 0) ?? [];
}

/** Whether one object may select both. */
function isBeside(a: Pod, b: Pod): boolean {
  return a.namespace === b.namespace && a.mesh === b.mesh;
}

/** More than a screen can show helps nobody. */
const listedMax = 20;

/** With the mesh's folder where several run. */
function list(pods: readonly Pod[]): string {
  const names = pods.map(
    ({ name, namespace, mesh }) => `${name}.${namespace}${mesh === undefined ? "" : ` (${mesh})`}`,
  );
  const more = names.length > listedMax ? ` and ${names.length - listedMax} more` : "";
  return `${names.sort().slice(0, listedMax).join(", ")}${more}`;
}
