import { proxyName } from "../model/proxy.ts";
import type { ProxyState, SyncState, TypeStatus } from "../model/proxy-state.ts";
import type { XdsType } from "../model/resource.ts";

/** The types that `proxy-status` tells of, in Istio's order. Secrets are not among them: `proxy-config secret` shows those. */
export const syncTypes = ["CDS", "LDS", "EDS", "RDS", "ECDS"] as const satisfies readonly XdsType[];

export type SyncType = (typeof syncTypes)[number];

/** One proxy, as in the JSON array of `GET /debug/syncz` on the monitoring port. */
export interface ProxySync {
  /** `web-1.shop` */
  readonly name: string;
  /** `MeshSettings.clusterId`. */
  readonly cluster: string;
  /** Envoy's; empty if it didn't say. */
  readonly version: string;
  /** Name of the controller that serves it. */
  readonly controller: string;
  /** Milliseconds since the epoch. */
  readonly connectedAtMs: number;
  readonly types: Readonly<Record<SyncType, TypeSync>>;
}

export interface TypeSync {
  readonly state: SyncState;
  /** Since when, in milliseconds since the epoch: the last ACK, or the oldest answer that is awaited. Absent if unknown. */
  readonly sinceMs?: number;
}

export function syncOf(state: ProxyState, names: { readonly cluster: string; readonly controller: string }): ProxySync {
  const of = (type: SyncType): TypeSync => typeSync(state.types[type]);
  return {
    name: proxyName(state.proxy),
    cluster: names.cluster,
    version: state.proxy.version,
    controller: names.controller,
    connectedAtMs: state.connectedAtMs,
    types: { CDS: of("CDS"), LDS: of("LDS"), EDS: of("EDS"), RDS: of("RDS"), ECDS: of("ECDS") },
  };
}

function typeSync({ state, lastAckMs, delivered }: TypeStatus): TypeSync {
  if (state === "NOT SENT") return { state };
  const sentAtMs = delivered.flatMap(({ delivery }) => (delivery.state === "sent" ? [delivery.sentAtMs] : []));
  const sinceMs = state === "SYNCED" ? lastAckMs : sentAtMs.sort((a, b) => a - b)[0];
  return sinceMs === undefined ? { state } : { state, sinceMs };
}
