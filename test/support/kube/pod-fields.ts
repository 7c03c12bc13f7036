// What the downward API tells a container about its pod.
import type { V1Container, V1Pod } from "@kubernetes/client-node";

/** What the runner knows of a pod before the API server does. */
export interface Placement {
  readonly podIp: string;
  readonly hostIp: string;
  readonly nodeName: string;
}

/** @throws for a field that pods don't have */
export function podField(pod: V1Pod, path: string, { podIp, hostIp, nodeName }: Placement): string {
  const key = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (key) return pod.metadata?.[key[1] as "labels" | "annotations"]?.[key[2] ?? ""] ?? "";
  switch (path) {
    case "metadata.name":
      return pod.metadata?.name ?? "";
    case "metadata.namespace":
      return pod.metadata?.namespace ?? "";
    case "metadata.uid":
      return pod.metadata?.uid ?? "";
    case "metadata.labels":
      return lines(pod.metadata?.labels);
    case "metadata.annotations":
      return lines(pod.metadata?.annotations);
    case "spec.nodeName":
      return nodeName;
    case "spec.serviceAccountName":
      return pod.spec?.serviceAccountName ?? "";
    case "status.podIP":
    case "status.podIPs":
      return podIp;
    case "status.hostIP":
    case "status.hostIPs":
      return hostIp;
    default:
      throw new Error(`pods have no field ${path}`);
  }
}

function lines(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join("\n");
}

/** What a container without a limit gets: all of the node. */
const allocatable: Readonly<Record<string, string>> = { cpu: "2", memory: "4Gi", "ephemeral-storage": "10Gi" };

/**
 * @param resource `limits.cpu`
 * @param divisor  default 1: whole processors, bytes
 * @returns the quantity divided and rounded up
 */
export function resourceField({ resources }: V1Container, resource: string, divisor = "1"): string {
  const [kind = "", name = ""] = resource.split(".");
  const given = (kind === "limits" ? resources?.limits : resources?.requests)?.[name];
  const value = given ?? (kind === "limits" ? allocatable[name] : "0");
  return String(Math.ceil(quantity(value ?? "0") / quantity(divisor === "0" ? "1" : divisor)));
}

const units: Readonly<Record<string, number>> = {
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

function quantity(text: string): number {
  const [, number = "", unit = ""] = /^([\d.]+)(.*)$/.exec(text) ?? [];
  const factor = unit === "" ? 1 : units[unit];
  if (factor === undefined) throw new Error(`the pod runner knows no quantity ${text}`);
  return Number(number) * factor;
}
