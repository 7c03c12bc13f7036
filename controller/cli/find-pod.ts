import { CliError, usageExitCode } from "./cli-error.ts";
import type { Home, Pod } from "./home.ts";
import { compareText } from "./order.ts";

const podTypes = ["pod", "pods", "po"];
const deploymentTypes = ["deployment", "deployments", "deploy"];

/** As istioctl: `deploy/webapp.shop` and `webapp-7d9c-x2k9q.shop`. */
interface Reference {
  readonly type?: string;
  readonly name: string;
  readonly namespace?: string;
}

/** What {@link Reference} stands for. */
interface Match {
  /** Never empty; ready ones first. */
  readonly found: readonly Pod[];
  /** They are all pods of the one Deployment that was named as such. */
  readonly isDeployment: boolean;
}

/**
 * The pod that a user means by `[TYPE/]NAME[.NAMESPACE]`: its whole name, else its Deployment's, else the beginning of
 * its name. `deployment/NAME` stands for the first of the Deployment's pods, ready ones before others.
 *
 * @param namespace of a name that has none
 * @throws {CliError} that names the candidates where none or several fit
 */
export async function findPod(text: string, namespace: string | undefined, home: Home): Promise<Pod> {
  return one(text, await find(text, namespace, home));
}

/** Like {@link findPod}, but a Deployment stands for all of its pods. */
export async function findPods(text: string, namespace: string | undefined, home: Home): Promise<readonly Pod[]> {
  const match = await find(text, namespace, home);
  return match.isDeployment ? match.found : [one(text, match)];
}

function one(text: string, { found, isDeployment }: Match): Pod {
  const [pod, ...others] = found;
  if (pod === undefined || (others.length > 0 && !isDeployment))
    throw new CliError(`"${text}" stands for several pods: ${list(found)}; write one of them`);
  return pod;
}

async function find(text: string, inNamespace: string | undefined, home: Home): Promise<Match> {
  const { type, name, namespace = inNamespace } = parse(text);
  const pods = await home.pods(namespace);
  const found = candidates(type, name, pods).toSorted(
    (a, b) => Number(b.ready) - Number(a.ready) || compareText(a.name, b.name),
  );
  const [first] = found;
  if (first === undefined) {
    const there = pods.length === 0 ? "there is none" : `there are ${list(pods)}`;
    throw new CliError(`no pod "${text}" with a proxy ${home.place(namespace)}; ${there}`);
  }
  const isDeployment = type !== undefined && deploymentTypes.includes(type);
  return { found, isDeployment: isDeployment && found.every((pod) => isBeside(first, pod)) };
}

/** What follows the last dot is a namespace. */
function parse(text: string): Reference {
  const slash = text.indexOf("/");
  const type = slash < 0 ? undefined : text.slice(0, slash);
  if (type !== undefined && ![...podTypes, ...deploymentTypes].includes(type))
    throw new CliError(`"${text}" does not refer to a pod: write pod/NAME or deployment/NAME`, usageExitCode);
  const full = text.slice(slash + 1);
  const dot = full.lastIndexOf(".");
  return {
    ...(type !== undefined && { type }),
    ...(dot > 0 ? { name: full.slice(0, dot), namespace: full.slice(dot + 1) } : { name: full }),
  };
}

/** The closest way of naming that fits any pod decides. */
function candidates(type: string | undefined, name: string, pods: readonly Pod[]): readonly Pod[] {
  const isPod = type === undefined || podTypes.includes(type);
  const isDeployment = type === undefined || deploymentTypes.includes(type);
  const ways: readonly ((pod: Pod) => boolean)[] = [
    ...(isPod ? [(pod: Pod) => pod.name === name] : []),
    ...(isDeployment ? [(pod: Pod) => pod.workload === name] : []),
    ...(isPod ? [(pod: Pod) => pod.name.startsWith(name)] : []),
  ];
  return ways.map((way) => pods.filter(way)).find((found) => found.length > 0) ?? [];
}

/** Whether one Deployment may have both. */
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
