import type { Proxy } from "../model/proxy.ts";
import { proxyName } from "../model/proxy.ts";
import type { Delivery, Resource, Snapshot, XdsType } from "../model/resource.ts";

// How far each proxy is behind what it should have: the answer of `/debug/syncz`, which `sluice proxy-status` prints.

/** What one proxy has made of the resources sent to it, by name. */
export type Deliveries = Readonly<Record<XdsType, ReadonlyMap<string, Delivery>>>;

/** All that the control plane knows of one connected proxy. */
export interface ProxyState {
  readonly proxy: Proxy;
  readonly connectedAtMs: number;
  /** What it should have. */
  readonly snapshot: Snapshot;
  readonly deliveries: Deliveries;
}

/** Istio's words (istioctl/pkg/writer/pilot/status.go). */
export type SyncState = "SYNCED" | "NOT SENT" | "STALE" | "STALE (Never Acknowledged)";

export interface TypeSync {
  readonly state: SyncState;
  /** Since when, in milliseconds since the epoch: the last ACK, or the oldest answer that is awaited. Absent if unknown. */
  readonly sinceMs?: number;
}

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
  readonly types: Readonly<Record<XdsType, TypeSync>>;
}

export function syncOf(state: ProxyState, names: { readonly cluster: string; readonly controller: string }): ProxySync {
  const of = (type: XdsType): TypeSync => typeSync(type, state.snapshot[type], state.deliveries[type]);
  return {
    name: proxyName(state.proxy),
    cluster: names.cluster,
    version: state.proxy.version,
    controller: names.controller,
    connectedAtMs: state.connectedAtMs,
    types: { CDS: of("CDS"), LDS: of("LDS"), EDS: of("EDS"), RDS: of("RDS"), ECDS: of("ECDS") },
  };
}

/**
 * The state of one type. Resources that the proxy never asked for don't count; neither do empty slots, so that ECDS is
 * NOT SENT until there is a plugin, but a refused one does.
 *
 * "Never Acknowledged" means that none of the type's resources, empty slots included, is known to have been accepted.
 */
export function typeSync(
  type: XdsType,
  resources: ReadonlyMap<string, Resource>,
  deliveries: ReadonlyMap<string, Delivery>,
): TypeSync {
  const counted = [...resources.values()].flatMap((resource) => {
    const delivery = deliveries.get(resource.name);
    if (delivery === undefined) return [];
    const isEmptySlot = type === "ECDS" && resource.owners.length === 0;
    return isEmptySlot && delivery.state !== "nacked" ? [] : [{ resource, delivery }];
  });
  if (counted.length === 0) return { state: "NOT SENT" };
  const behind = counted.filter(({ resource, delivery }) => !isAcked(resource, delivery));
  if (behind.length === 0) return since("SYNCED", Math.max(...counted.flatMap((one) => ackedAtMs(one.delivery))));
  const state = [...deliveries.values()].some(isLive) ? "STALE" : "STALE (Never Acknowledged)";
  return since(state, Math.min(...behind.flatMap((one) => sentAtMs(one.delivery))));
}

/** A proxy that had a version of its own before a stopgap came keeps it: nothing is owed to it. */
function isAcked(resource: Resource, delivery: Delivery): boolean {
  return delivery.state === "acked" && (delivery.version === resource.version || resource.stopgap === true);
}

function isLive(delivery: Delivery): boolean {
  return delivery.state === "acked" || (delivery.state === "nacked" && delivery.live !== undefined);
}

function ackedAtMs(delivery: Delivery): readonly number[] {
  return delivery.state === "acked" ? [delivery.ackedAtMs] : [];
}

function sentAtMs(delivery: Delivery): readonly number[] {
  return delivery.state === "sent" ? [delivery.sentAtMs] : [];
}

/** Minimum and maximum of nothing are infinite: unknown. */
function since(state: SyncState, sinceMs: number): TypeSync {
  return Number.isFinite(sinceMs) ? { state, sinceMs } : { state };
}
