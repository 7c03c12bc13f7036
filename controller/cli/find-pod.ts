import { CliError, usageExitCode } from "./cli-error.ts";
import type { RunningMesh, RunningPod } from "./deps.ts";

const podTypes = ["pod", "pods", "po"];
const deploymentTypes = ["deployment", "deployments", "deploy"];

/**
 * The pod that a user means by `[TYPE/]NAME[.NAMESPACE]`: its whole name, else its Deployment's, else the beginning of
 * its name.
 *
 * @param namespace looks only there; absent: everywhere
 * @throws {CliError} that names the candidates where none or several fit
 */
export function findPod(text: string, namespace: string | undefined, meshes: readonly RunningMesh[]): RunningPod {
  const all = meshes.flatMap(({ pods }) => pods);
  if (all.length === 0) throw new CliError("no mesh runs on this machine: start one with `sluice up DIR`");
  const { type, name, inNamespace = namespace } = parse(text, all);
  const near = all.filter((pod) => inNamespace === undefined || pod.namespace === inNamespace);
  const found = candidates(type, name, near);
  const [pod, ...others] = found;
  if (pod === undefined) throw new CliError(`no pod "${text}" runs here; running: ${list(all, meshes)}`);
  if (others.length > 0)
    throw new CliError(`"${text}" stands for several pods: ${list(found, meshes)}; write one of them`);
  return pod;
}

function parse(text: string, pods: readonly RunningPod[]): { type?: string; name: string; inNamespace?: string } {
  const slash = text.indexOf("/");
  const type = slash < 0 ? undefined : text.slice(0, slash);
  if (type !== undefined && ![...podTypes, ...deploymentTypes].includes(type))
    throw new CliError(`"${text}" does not refer to a pod: write pod/NAME or deployment/NAME`, usageExitCode);
  const full = text.slice(slash + 1);
  const dot = full.lastIndexOf(".");
  const suffix = full.slice(dot + 1);
  const hasNamespace = dot > 0 && pods.some((pod) => pod.namespace === suffix);
  return {
    ...(type !== undefined && { type }),
    ...(hasNamespace ? { name: full.slice(0, dot), inNamespace: suffix } : { name: full }),
  };
}

/** The closest way of naming that fits any pod decides. */
function candidates(type: string | undefined, name: string, pods: readonly RunningPod[]): readonly RunningPod[] {
  const isPod = type === undefined || podTypes.includes(type);
  const isDeployment = type === undefined || deploymentTypes.includes(type);
  const ways: readonly ((pod: RunningPod) => boolean)[] = [
    ...(isPod ? [(pod: RunningPod) => pod.name === name] : []),
    ...(isDeployment ? [(pod: RunningPod) => pod.workload === name] : []),
    ...(isPod ? [(pod: RunningPod) => pod.name.startsWith(name)] : []),
  ];
  return ways.map((way) => pods.filter(way)).find((found) => found.length > 0) ?? [];
}

/** With the mesh's folder where several run. */
function list(pods: readonly RunningPod[], meshes: readonly RunningMesh[]): string {
  return pods
    .map((pod) => {
      const dir = meshes.find((mesh) => mesh.pods.includes(pod))?.dir;
      return `${pod.name}.${pod.namespace}${meshes.length > 1 ? ` (${dir})` : ""}`;
    })
    .sort()
    .join(", ");
}
