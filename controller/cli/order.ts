import { type ClusterName, parseClusterName } from "../model/names.ts";

/** istioctl's order: host, subset, port, direction. */
export function compareClusterNames(a = "", b = ""): number {
  const [left, right] = [clusterParts(a), clusterParts(b)];
  return (
    compareText(left.host, right.host) ||
    compareText(left.subset, right.subset) ||
    left.port - right.port ||
    compareText(left.direction, right.direction)
  );
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A name that stands for no service is its own host. */
export function clusterParts(name: string): Omit<ClusterName, "direction"> & { readonly direction: string } {
  return parseClusterName(name) ?? { host: name, subset: "", port: 0, direction: "" };
}
