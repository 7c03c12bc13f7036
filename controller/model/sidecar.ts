import type { Labels } from "./object.ts";
import type { Protocol } from "./service.ts";

/** Istio Sidecar (networking.istio.io): which ports a proxy listens on and which hosts it knows. */
export interface Sidecar {
  /** Absent: all workloads of the namespace; in the root namespace, of the mesh. */
  readonly workloadSelector?: Labels;
  /** Absent: as derived from the workload's services. */
  readonly ingress?: readonly IngressListener[];
  /** Absent: every service of the mesh. */
  readonly egress?: readonly EgressListener[];
  /** What becomes of calls to hosts that are not known; absent: ALLOW_ANY. */
  readonly outboundTrafficPolicy?: "ALLOW_ANY" | "REGISTRY_ONLY";
}

/** DEFAULT is what the proxy's bootstrap says; NONE means that nothing is intercepted and the port is bound. */
export type CaptureMode = "DEFAULT" | "IPTABLES" | "NONE";

export interface SidecarPort {
  readonly number: number;
  readonly protocol: Protocol;
  readonly name: string;
}

export interface IngressListener {
  readonly port: SidecarPort;
  /** IP to bind; absent: the proxy's own (NONE), or as intercepted. */
  readonly bind?: string;
  readonly captureMode: CaptureMode;
  /** Where the application listens: `127.0.0.1:8080`, `0.0.0.0:8080` (the proxy's IP) or `unix:///path`. */
  readonly defaultEndpoint?: string;
}

export interface EgressListener {
  /** Absent: the ports of the services. Protocol HTTP_PROXY takes requests for all HTTP services. */
  readonly port?: SidecarPort;
  readonly bind?: string;
  readonly captureMode: CaptureMode;
  /** `namespace/host` patterns; `*`, `.` (own) and `~` (none) for the namespace, `*` and `*.suffix` for the host. */
  readonly hosts: readonly string[];
}
