// The names of everything that Envoy is told about, made and parsed here and nowhere else. They are Istio's.
import type { Ref } from "./object.ts";

/** `catalog.istioinaction.svc.cluster.local` */
export function serviceHost(name: string, namespace: string, domain: string): string {
  return `${name}.${namespace}.svc.${domain}`;
}

/**
 * The full host that a user means: short names (without a dot) are services of `namespace`, as in Istio; any other
 * name stands for itself.
 */
export function resolveHost(host: string, namespace: string, domain: string): string {
  return host.includes(".") || host === "*" ? host : serviceHost(host, namespace, domain);
}

export interface ClusterName {
  readonly direction: "outbound" | "inbound";
  readonly port: number;
  /** Empty: no subset. */
  readonly subset: string;
  /** Empty for inbound clusters. */
  readonly host: string;
}

/** `outbound|80|v1|catalog.istioinaction.svc.cluster.local`, `inbound|3000||` */
export function clusterName({ direction, port, subset, host }: ClusterName): string {
  return `${direction}|${port}|${subset}|${host}`;
}

/** `undefined` for clusters that stand for no service (`PassthroughCluster`, `admin`). */
export function parseClusterName(name: string): ClusterName | undefined {
  const match = /^(outbound|inbound)\|(\d+)\|([^|]*)\|([^|]*)$/.exec(name);
  if (!match) return undefined;
  const [, direction, port, subset = "", host = ""] = match;
  return { direction: direction === "inbound" ? "inbound" : "outbound", port: Number(port), subset, host };
}

/** `outbound_.80_.v1_.catalog.istioinaction.svc.cluster.local`: a cluster, where TLS names the server. */
export function sniOf({ port, subset, host }: Omit<ClusterName, "direction">): string {
  return `outbound_.${port}_.${subset}_.${host}`;
}

/** `0.0.0.0_80`, `127.0.0.1_15007` */
export function listenerName(address: string, port: number): string {
  return `${address}_${port}`;
}

export const routeNames = {
  /** A sidecar's route for a service port: `80`. */
  sidecar: (port: number): string => String(port),
  /** A sidecar's HTTP proxy port. */
  httpProxy: "http_proxy",
  /** `inbound|3000||` */
  inbound: (port: number): string => clusterName({ direction: "inbound", port, subset: "", host: "" }),
  /** A gateway's plain HTTP port: `http.8080`. */
  gateway: (port: number): string => `http.${port}`,
} as const;

/** Clusters that stand for no service. */
export const specialClusters = {
  blackHole: "BlackHoleCluster",
  passthrough: "PassthroughCluster",
  inboundPassthrough: "InboundPassthroughCluster",
} as const;

/** The listeners that take what is redirected, and their chains that stand for no service. */
export const virtualListeners = {
  outbound: {
    name: "virtualOutbound",
    port: 15001,
    blackHole: "virtualOutbound-blackhole",
    catchAll: "virtualOutbound-catchall-tcp",
  },
  inbound: { name: "virtualInbound", port: 15006, blackHole: "virtualInbound-blackhole", catchAll: "virtualInbound" },
} as const;

/** Where plugins live: one ECDS resource for each phase of a direction, and one in the router's upstream chain. */
export const slotPhases = ["authn", "authz", "stats", "unspecified", "upstream"] as const;
export type SlotPhase = (typeof slotPhases)[number];
export type Direction = "inbound" | "outbound";
export interface Slot {
  readonly direction: Direction;
  readonly phase: SlotPhase;
}

/** Where network plugins live, in the order in which connections pass them; the built-in telemetry comes behind them. */
export const networkPhases = ["authn", "authz", "stats", "unspecified", "telemetry"] as const;
export interface NetworkSlot {
  readonly direction: "inbound" | "outbound";
  readonly phase: (typeof networkPhases)[number];
  /** The chain's: of a service outbound, of the workload inbound. Absent: connections that lead to no known port. */
  readonly port?: number | undefined;
}

/** `outbound/network/authn/5432`, `inbound/network/authn`; telemetry is the same for all ports. */
export function networkSlotName({ direction, phase, port }: NetworkSlot): string {
  const name = `${direction}/network/${phase}`;
  return port === undefined || phase === "telemetry" ? name : `${name}/${port}`;
}

export function parseNetworkSlotName(name: string): NetworkSlot | undefined {
  const [, direction, phase, port] = /^(inbound|outbound)\/network\/([a-z]+)(?:\/([1-9]\d{0,4}))?$/.exec(name) ?? [];
  const known = networkPhases.find((one) => one === phase);
  if (known === undefined || (known === "telemetry" && port !== undefined)) return undefined;
  const slot = { direction: direction === "inbound" ? ("inbound" as const) : ("outbound" as const), phase: known };
  return port === undefined ? slot : { ...slot, port: Number(port) };
}

/** `outbound/authn` */
export function slotName({ direction, phase }: Slot): string {
  return `${direction}/${phase}`;
}

export function parseSlotName(name: string): Slot | undefined {
  const [direction, phase, rest] = name.split("/");
  const known = slotPhases.find((one) => one === phase);
  if (rest !== undefined || known === undefined) return undefined;
  return direction === "inbound" || direction === "outbound" ? { direction, phase: known } : undefined;
}

/** Where the tracer of a direction reports to: `outbound/zipkin`. */
export function spansCluster(direction: Direction): string {
  return `${direction}/zipkin`;
}

/** The secrets of every proxy, as SDS knows them: its own certificate with its key, and the roots of trust. */
export const secretNames = { certificate: "default", roots: "ROOTCA" } as const;

export interface NodeId {
  readonly type: "sidecar" | "router";
  readonly ip: string;
  readonly name: string;
  readonly namespace: string;
  readonly domain: string;
}

/** `sidecar~10.0.0.7~web-1.shop~shop.svc.cluster.local` */
export function nodeId({ type, ip, name, namespace, domain }: NodeId): string {
  return `${type}~${ip}~${name}.${namespace}~${namespace}.svc.${domain}`;
}

/** `undefined` where the text is not of that form. */
export function parseNodeId(id: string): NodeId | undefined {
  const match = /^(sidecar|router)~([^~]+)~([^~]+)\.([^~.]+)~\4\.svc\.([^~]+)$/.exec(id);
  if (!match) return undefined;
  const [, type, ip = "", name = "", namespace = "", domain = ""] = match;
  return { type: type === "router" ? "router" : "sidecar", ip, name, namespace, domain };
}

const configKinds = { VirtualService: "virtual-service", DestinationRule: "destination-rule" } as const;

/** `/apis/networking.istio.io/v1/namespaces/shop/virtual-service/cart`: the object that a route or cluster comes from. */
export function configPath(ref: Ref & { readonly kind: keyof typeof configKinds }): string {
  return `/apis/networking.istio.io/v1/namespaces/${ref.namespace}/${configKinds[ref.kind]}/${ref.name}`;
}
