import type { Labels } from "./object.ts";

/** What a workload's proxy takes: only mutual TLS, that and plain text, or only plain text. */
export type MutualTlsMode = "STRICT" | "PERMISSIVE" | "DISABLE";

/** Istio PeerAuthentication (security.istio.io). */
export interface PeerAuthentication {
  /** Absent: all workloads of the namespace; in the root namespace, of the mesh. */
  readonly selector?: Labels;
  /** UNSET: what the namespace says, else the mesh, else PERMISSIVE. */
  readonly mode: MutualTlsMode | "UNSET";
  /** By the workload's own port, not the service's; only beside a selector. UNSET: the mode of the workload. */
  readonly portLevelMtls: ReadonlyMap<number, MutualTlsMode | "UNSET">;
}
