import type { Ref } from "./object.ts";
import type { Proxy } from "./proxy.ts";
import type { Delivery, Snapshot, XdsType } from "./resource.ts";

/** The words of Istio's proxy-status (istioctl/pkg/writer/pilot/status.go). */
export type SyncState = "SYNCED" | "NOT SENT" | "STALE" | "STALE (Never Acknowledged)";

/** What a proxy has made of one resource. */
export interface Delivered {
  readonly name: string;
  /** Of the resource as it should be; empty where the proxy has one that is not in its snapshot. */
  readonly owners: readonly Ref[];
  readonly delivery: Delivery;
}

export interface TypeStatus {
  readonly state: SyncState;
  /** Milliseconds since the epoch of the last ACK, or of the proxy's own report of what it has. */
  readonly lastAckMs?: number;
  /** All that it was sent or reported, sorted by name. */
  readonly delivered: readonly Delivered[];
}

/** A connected proxy: what it should have, and what it made of it. */
export interface ProxyState {
  readonly proxy: Proxy;
  readonly connectedAtMs: number;
  readonly snapshot: Snapshot;
  readonly types: Readonly<Record<XdsType, TypeStatus>>;
}
