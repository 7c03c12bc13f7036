import type { Ref } from "../model/object.ts";
import type { Delivery, Resource } from "../model/resource.ts";
import type { Subscription } from "./subscription.ts";

/** The words of Istio's proxy-status. */
export type SyncState = "SYNCED" | "NOT SENT" | "STALE" | "STALE (Never Acknowledged)";

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
  /** Sorted by name. */
  readonly delivered: readonly Delivered[];
}

/**
 * How far a proxy is with one type. SYNCED: it acknowledged the last of everything; STALE: an answer is missing or was
 * a refusal. ECDS slots without plugins don't count: NOT SENT until there is one.
 *
 * @param subscription absent: the proxy has not asked for the type
 * @param snapshot what the proxy should have of the type
 */
export function typeStatus(
  subscription: Subscription | undefined,
  snapshot: ReadonlyMap<string, Resource> | undefined,
): TypeStatus {
  if (subscription === undefined) return { state: "NOT SENT", delivered: [] };
  const delivered = [...subscription.has]
    .map(([name, delivery]) => ({ name, owners: snapshot?.get(name)?.owners ?? [], delivery }))
    .filter(
      ({ name, owners }) => subscription.type !== "ECDS" || owners.length > 0 || snapshot?.get(name) === undefined,
    )
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const { lastAckMs } = subscription;
  return { state: stateOf(subscription, delivered), delivered, ...(lastAckMs !== undefined && { lastAckMs }) };
}

function stateOf(subscription: Subscription, delivered: readonly Delivered[]): SyncState {
  const isEmpty = subscription.type === "ECDS" ? delivered.length === 0 : !subscription.isDelivered;
  if (isEmpty) return "NOT SENT";
  const isStale = subscription.isUnanswered || delivered.some(({ delivery }) => delivery.state === "nacked");
  if (!isStale) return "SYNCED";
  return subscription.lastAckMs === undefined ? "STALE (Never Acknowledged)" : "STALE";
}
