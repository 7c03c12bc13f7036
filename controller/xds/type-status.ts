import type { Delivered, SyncState, TypeStatus } from "../model/proxy-state.ts";
import type { Resource } from "../model/resource.ts";
import type { Subscription } from "./subscription.ts";

export type { TypeStatus };

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
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const counted = delivered.filter(
    ({ name, owners }) => subscription.type !== "ECDS" || owners.length > 0 || snapshot?.get(name) === undefined,
  );
  const { lastAckMs } = subscription;
  return { state: stateOf(subscription, counted), delivered, ...(lastAckMs !== undefined && { lastAckMs }) };
}

function stateOf(subscription: Subscription, counted: readonly Delivered[]): SyncState {
  const isEmpty = subscription.type === "ECDS" ? counted.length === 0 : !subscription.isDelivered;
  if (isEmpty) return "NOT SENT";
  const isStale = subscription.isPending || counted.some(({ delivery }) => delivery.state === "nacked");
  if (!isStale) return "SYNCED";
  return subscription.lastAckMs === undefined ? "STALE (Never Acknowledged)" : "STALE";
}
