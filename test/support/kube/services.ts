// What Services mean on a node: NAT rules, as kube-proxy makes them, and names.
import { createHash } from "node:crypto";
import type { V1Endpoint, V1EndpointSlice, V1Service, V1ServicePort } from "@kubernetes/client-node";

interface Backend {
  readonly ip: string;
  readonly port: number;
}

export interface ServiceState {
  readonly services: readonly V1Service[];
  readonly slices: readonly V1EndpointSlice[];
}

/**
 * The node's NAT table for `iptables-restore`: ClusterIPs and NodePorts to endpoints, each with the same chance.
 *
 * @param nodeIp where NodePorts answer
 */
export function natRules({ services, slices }: ServiceState, nodeIp: string): string {
  const chains: string[] = [];
  const rules = ["-A PREROUTING -j SERVICES"];
  const addresses = new Set<string>();
  for (const service of services) {
    for (const port of service.spec?.ports ?? []) {
      const backends = backendsOf(service, port, slices);
      if (backends.length === 0) continue;
      const chain = `SVC-${hash(`${keyOf(service)} ${port.name} ${port.port}`)}`;
      const protocol = (port.protocol ?? "TCP").toLowerCase();
      chains.push(chain);
      for (const ip of clusterIps(service))
        rules.push(`-A SERVICES -d ${ip}/32 -p ${protocol} --dport ${port.port} -j ${chain}`);
      if (port.nodePort) rules.push(`-A SERVICES -d ${nodeIp}/32 -p ${protocol} --dport ${port.nodePort} -j ${chain}`);
      for (const [i, { ip, port: target }] of backends.entries()) {
        const left = backends.length - i;
        const chance = left > 1 ? ` -m statistic --mode random --probability ${(1 / left).toFixed(6)}` : "";
        rules.push(`-A ${chain} -p ${protocol}${chance} -j DNAT --to-destination ${ip}:${target}`);
        addresses.add(ip);
      }
    }
  }
  // a pod that calls itself by a ClusterIP would answer itself directly, from an address it never called
  for (const ip of addresses) rules.push(`-A POSTROUTING -s ${ip}/32 -d ${ip}/32 -j MASQUERADE`);
  return ["*nat", ...["SERVICES", ...chains].map((chain) => `:${chain} - [0:0]`), ...rules, "COMMIT", ""].join("\n");
}

/**
 * `/etc/hosts` of a pod: every Service by its full names, and those of the pod's own namespace by their first name.
 * A headless one stands for its endpoints.
 */
export function hostsFile(
  { services, slices }: ServiceState,
  pod: { readonly name: string; readonly namespace: string; readonly ip: string },
): string {
  const lines = ["127.0.0.1 localhost", `${pod.ip} ${pod.name}`];
  for (const service of services) {
    const { name = "", namespace = "" } = service.metadata ?? {};
    const names = [`${name}.${namespace}`, `${name}.${namespace}.svc`, `${name}.${namespace}.svc.cluster.local`];
    if (namespace === pod.namespace) names.unshift(name);
    const own = clusterIps(service);
    const ips = own.length > 0 ? own : usable(endpointsOf(service, slices)).flatMap(({ addresses }) => addresses);
    for (const ip of new Set(ips)) lines.push(`${ip} ${names.join(" ")}`);
  }
  return `${lines.join("\n")}\n`;
}

function backendsOf(service: V1Service, port: V1ServicePort, slices: readonly V1EndpointSlice[]): readonly Backend[] {
  const all = slicesOf(service, slices).flatMap(({ endpoints, ports }) => {
    const target = ports?.find((one) => (one.name ?? "") === (port.name ?? ""))?.port;
    return target === undefined ? [] : (endpoints ?? []).map((endpoint) => ({ ...endpoint, target }));
  });
  return usable(all).flatMap(({ addresses, target }) => addresses.map((ip) => ({ ip, port: target })));
}

/** Those that are ready; where none is, those that end but still serve, as kube-proxy does. */
function usable<T extends V1Endpoint>(endpoints: readonly T[]): readonly T[] {
  const ready = endpoints.filter(({ conditions }) => conditions?.ready !== false);
  if (ready.length > 0) return ready;
  return endpoints.filter(({ conditions }) => conditions?.serving === true && conditions.terminating === true);
}

function endpointsOf(service: V1Service, slices: readonly V1EndpointSlice[]): readonly V1Endpoint[] {
  return slicesOf(service, slices).flatMap(({ endpoints }) => endpoints ?? []);
}

function slicesOf({ metadata }: V1Service, slices: readonly V1EndpointSlice[]): readonly V1EndpointSlice[] {
  return slices.filter(
    (slice) =>
      slice.addressType === "IPv4" &&
      slice.metadata?.namespace === metadata?.namespace &&
      slice.metadata?.labels?.["kubernetes.io/service-name"] === metadata?.name,
  );
}

function clusterIps({ spec }: V1Service): readonly string[] {
  return (spec?.clusterIPs ?? []).filter((ip) => ip !== "None" && ip !== "");
}

function keyOf({ metadata }: V1Service): string {
  return `${metadata?.namespace}/${metadata?.name}`;
}

/** Chains have names of at most 28 characters. */
function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
