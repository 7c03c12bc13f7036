import { proxyName } from "../model/proxy.ts";
import type { ProxyState } from "../model/proxy-state.ts";
import type { XdsType } from "../model/resource.ts";

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
  const wasAcknowledged = before?.generation === push.generation ? before.acknowledgedMs : undefined;
  const acknowledgedMs = wasAcknowledged ?? untilLastAck(sent, proxies, push);
  return {
    generation: push.generation,
    resources: new Set(sent.map(({ type, name }) => `${type} ${name}`)).size,
    proxies: new Set(sent.map(({ proxy }) => proxy)).size,
    tookMs: push.sentAtMs - push.startedAtMs,
    ...(acknowledgedMs !== undefined && { acknowledgedMs }),
  };
}

function untilLastAck(sent: readonly SentResource[], proxies: readonly ProxyState[], push: Push): number | undefined {
  const connected = new Map(proxies.map((state) => [proxyName(state.proxy), state]));
  const awaited = sent.filter(({ version }) => version !== undefined);
  const acks = [...Map.groupBy(awaited, ({ proxy }) => proxy)].flatMap(([proxy, ofProxy]) => {
    const state = connected.get(proxy);
    return state === undefined ? [] : acksOf(state, ofProxy);
  });
  if (acks.length === 0 || acks.includes(undefined)) return undefined;
  return acks.reduce<number>((last, ack) => Math.max(last, ack ?? 0), 0) - push.startedAtMs;
}

/** When a proxy acknowledged each of some resources. */
function acksOf({ types }: ProxyState, sent: readonly SentResource[]): readonly (number | undefined)[] {
  return [...Map.groupBy(sent, ({ type }) => type)].flatMap(([type, ofType]) => {
    const delivered = new Map(types[type].delivered.map(({ name, delivery }) => [name, delivery]));
    return ofType.map(({ name, version }) => {
      const delivery = delivered.get(name);
      return delivery?.state === "acked" && delivery.version === version ? delivery.ackedAtMs : undefined;
    });
  });
}
