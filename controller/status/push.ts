import { proxyName } from "../model/proxy.ts";
import type { ProxyState } from "../model/proxy-state.ts";
import type { Delivery, XdsType } from "../model/resource.ts";

/** What one change of the mesh made the control plane send. */
export interface Push {
  /** `Mesh.generation`; tells pushes apart. */
  readonly generation: number;
  /** When the change was seen and when the last response was written, in milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly sentAtMs: number;
  readonly sent: readonly SentResource[];
}

export interface SentResource {
  /** `web-1.shop` */
  readonly proxy: string;
  readonly type: XdsType;
  readonly name: string;
  /** Absent: removed. */
  readonly version?: string;
}

export interface PushStatus {
  readonly generation: number;
  /** Different resources; one sent to three proxies counts once. */
  readonly resources: number;
  readonly proxies: number;
  /** From the change to the last response. */
  readonly tookMs: number;
  /** From the change to the last ACK; absent until all proxies that are still connected have acknowledged all of it. */
  readonly acknowledgedMs?: number;
}

/**
 * How far a push has come. What a proxy was sent that connected since is its first configuration, not part of the push.
 * One that was overtaken by the next is never acknowledged; one that was acknowledged stays so, whatever follows it.
 */
export function pushStatus(push: Push, proxies: readonly ProxyState[], before: PushStatus | undefined): PushStatus {
  const since = new Map(proxies.map((state) => [proxyName(state.proxy), state.connectedAtMs]));
  const sent = push.sent.filter(({ proxy }) => (since.get(proxy) ?? 0) <= push.startedAtMs);
  const lastMs = lastAckMs(sent, proxies);
  const wasAcknowledged = before?.generation === push.generation ? before.acknowledgedMs : undefined;
  const acknowledgedMs = wasAcknowledged ?? (lastMs === undefined ? undefined : lastMs - push.startedAtMs);
  return {
    generation: push.generation,
    resources: new Set(sent.map(({ type, name }) => `${type} ${name}`)).size,
    proxies: new Set(sent.map(({ proxy }) => proxy)).size,
    tookMs: push.sentAtMs - push.startedAtMs,
    ...(acknowledgedMs !== undefined && { acknowledgedMs }),
  };
}

function lastAckMs(sent: readonly SentResource[], proxies: readonly ProxyState[]): number | undefined {
  const connected = new Map(proxies.map((state) => [proxyName(state.proxy), indexed(state)]));
  const awaited = sent.filter(({ proxy, version }) => version !== undefined && connected.has(proxy));
  const acks = awaited.map(({ proxy, type, name, version }) => {
    const delivery = connected.get(proxy)?.get(`${type} ${name}`);
    return delivery?.state === "acked" && delivery.version === version ? delivery.ackedAtMs : undefined;
  });
  if (acks.length === 0) return undefined;
  return acks.reduce((last, ack) => (last === undefined || ack === undefined ? undefined : Math.max(last, ack)));
}

/** `<type> <name>` -> what the proxy made of it. */
function indexed({ types }: ProxyState): ReadonlyMap<string, Delivery> {
  const rows = Object.entries(types).flatMap(([type, { delivered }]) =>
    delivered.map(({ name, delivery }) => [`${type} ${name}`, delivery] as const),
  );
  return new Map(rows);
}
