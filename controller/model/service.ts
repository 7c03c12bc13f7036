import type { Labels } from "./object.ts";
import type { WorkloadEntry } from "./workload.ts";

/** What a port speaks, by Istio's rule: `appProtocol`, else the prefix of the port's name up to the first `-`. */
export type Protocol = "HTTP" | "HTTP2" | "GRPC" | "HTTP_PROXY" | "HTTPS" | "TLS" | "TCP" | "UDP";

/** Protocols whose requests Envoy sees, so that routes and HTTP plugins apply. */
export function isHttp(protocol: Protocol): boolean {
  return protocol === "HTTP" || protocol === "HTTP2" || protocol === "GRPC" || protocol === "HTTP_PROXY";
}

export interface ServicePort {
  readonly name: string;
  readonly number: number;
  readonly protocol: Protocol;
  /** Port of the workload: a number, or the name of a container port. */
  readonly targetPort: number | string;
}

/** Kubernetes Service. */
export interface Service {
  readonly ports: readonly ServicePort[];
  /** Absent: no pods are selected. */
  readonly selector?: Labels;
  /** Absent for headless services. */
  readonly clusterIP?: string;
  /** Whether pods take traffic that are not ready, or on their way out. Absent: no. */
  readonly publishNotReadyAddresses?: boolean;
}

/** Kubernetes EndpointSlice: endpoints of a Service, of which only one without a selector has any use for them. */
export interface EndpointSlice {
  /** Name of the Service, of the same namespace; empty: of none. */
  readonly service: string;
  readonly endpoints: readonly { readonly address: string; readonly ready: boolean }[];
  /** Where the Service's ports of these names lead to. */
  readonly ports: readonly { readonly name: string; readonly number: number }[];
}

/** Istio ServiceEntry (networking.istio.io). */
export interface ServiceEntry {
  readonly hosts: readonly string[];
  readonly addresses: readonly string[];
  readonly ports: readonly ServicePort[];
  readonly location: "MESH_EXTERNAL" | "MESH_INTERNAL";
  readonly resolution: "NONE" | "STATIC" | "DNS" | "DNS_ROUND_ROBIN";
  /** Empty under DNS: the hosts themselves are resolved. */
  readonly endpoints: readonly WorkloadEntry[];
  /** Chooses WorkloadEntries and Pods of the same namespace instead of `endpoints`. */
  readonly workloadSelector?: Labels;
  readonly exportTo: readonly string[];
}
