import type { HostPort } from "./host-port.ts";
import type { Labels, MeshObject, Ref } from "./object.ts";
import type { ServicePort } from "./service.ts";
import type { Module } from "./wasm-plugin.ts";

/**
 * One consistent, immutable state of everything the control plane knows; a change makes a new one. What has not changed
 * is the same value as before, members and lists alike, so that what was made of it stands.
 */
export interface Mesh {
  /** Counts up with every change. */
  readonly generation: number;
  readonly settings: MeshSettings;
  /** By host name: `catalog.istioinaction.svc.cluster.local`, or a ServiceEntry's host. */
  readonly services: ReadonlyMap<string, MeshService>;
  /** Whom each of the services leads to, by host: what comes and goes with pods, while the service stays as it is. */
  readonly endpoints: ReadonlyMap<string, readonly Endpoint[]>;
  /** In order of precedence (creation, then name, then namespace, as Istio sorts); so are the other lists. */
  readonly virtualServices: readonly MeshObject<"VirtualService">[];
  readonly destinationRules: readonly MeshObject<"DestinationRule">[];
  readonly gateways: readonly MeshObject<"Gateway">[];
  readonly sidecars: readonly MeshObject<"Sidecar">[];
  readonly peerAuthentications: readonly MeshObject<"PeerAuthentication">[];
  readonly telemetries: readonly MeshObject<"Telemetry">[];
  readonly plugins: readonly Plugin[];
  /** The built-in telemetry filter; absent where it is switched off. */
  readonly telemetry?: Module;
}

/** The parts that say what a proxy may call and how; who serves at the moment is none of them. */
export const routingParts = ["settings", "services", "virtualServices", "destinationRules", "sidecars"] as const;

export type Routing = Pick<Mesh, (typeof routingParts)[number]>;

export interface MeshSettings {
  /** `cluster.local`: last part of service names. */
  readonly domain: string;
  /** First part of every identity; Istio's default is `cluster.local`. */
  readonly trustDomain: string;
  /** How long a workload's certificate is valid; Istio's default is 24 h. */
  readonly certificateTtlMs: number;
  /** `istio-system`: what stands there applies to all namespaces. */
  readonly rootNamespace: string;
  /** Telemetry's `source_cluster` and `destination_cluster`; Istio's default `Kubernetes`. */
  readonly clusterId: string;
  /** The service that collects traces: a full host, or without `svc` and domain. Where there is none, nothing is traced. */
  readonly zipkin: HostPort;
}

/** A Service or one host of a ServiceEntry. */
export interface MeshService {
  readonly host: string;
  readonly ref: Ref;
  readonly ports: readonly ServicePort[];
  /** Virtual IPs; empty for headless services. */
  readonly addresses: readonly string[];
  /** How Envoy learns the endpoints: EDS, DNS (each address is one; or one address, changing), the original destination. */
  readonly resolution: "STATIC" | "DNS" | "DNS_ROUND_ROBIN" | "NONE";
  /** Outside the mesh: no peer metadata, no mutual TLS. */
  readonly external: boolean;
  /** Namespaces that may see it; empty: all. */
  readonly exportTo: readonly string[];
}

export interface Endpoint {
  readonly address: string;
  /** Service port number to the workload's port number. */
  readonly ports: ReadonlyMap<number, number>;
  /** Those of the workload's ports on which its proxy takes mutual TLS. */
  readonly mutualTls: ReadonlySet<number>;
  readonly labels: Labels;
  readonly namespace: string;
  readonly workload: string;
  readonly serviceAccount: string;
  readonly locality?: string;
  readonly weight: number;
  /** False: known, but takes no traffic. */
  readonly ready: boolean;
}

/** A WasmPlugin and the module it runs. */
export interface Plugin {
  readonly object: MeshObject<"WasmPlugin">;
  /** Absent: none was ever good. Then FAIL_OPEN lets requests pass and the others deny them. */
  readonly module?: Module;
}

/** What Istio has where nobody says otherwise. */
export const defaultSettings: MeshSettings = {
  domain: "cluster.local",
  trustDomain: "cluster.local",
  certificateTtlMs: 24 * 3_600_000,
  rootNamespace: "istio-system",
  clusterId: "Kubernetes",
  zipkin: { host: "zipkin.istio-system", port: 9411 },
};
