import type { Plugin } from "../model/mesh.ts";
import type { Ref } from "../model/object.ts";
import type { Problem } from "../model/problem.ts";
import { proxyName } from "../model/proxy.ts";
import type { ProxyState } from "../model/proxy-state.ts";
import { typeUrls, type XdsType } from "../model/resource.ts";
import { oneLine } from "./plugin-on-proxy.ts";
import { type PluginStatus, pluginStatuses } from "./plugin-status.ts";
import { type Push, type PushStatus, pushStatus } from "./push.ts";
import { emptyMemory, remember, type SlotMemory } from "./slot-memory.ts";
import { type ProxySync, syncOf } from "./sync.ts";

/** What the control plane knows at one moment. */
export interface StatusInput {
  /** Those in force: `Mesh.plugins`. */
  readonly plugins: readonly Plugin[];
  /** All that are open, of every object. */
  readonly problems: readonly Problem[];
  /** Connected ones. */
  readonly proxies: readonly ProxyState[];
  /** The last push; absent before the first. */
  readonly push?: Push;
  /** `MeshSettings.clusterId`. */
  readonly cluster: string;
  /** This controller's name. */
  readonly controller: string;
}

/** A resource that a proxy did not take. */
export interface Refusal {
  readonly proxy: string;
  readonly type: XdsType;
  readonly name: string;
  /** Envoy's own words, on one line. */
  readonly reason: string;
  /** Whether an older version still serves. */
  readonly isLive: boolean;
  readonly owners: readonly Ref[];
}

export interface MeshStatus {
  /** By name: the answer of `/debug/syncz`. */
  readonly proxies: readonly ProxySync[];
  readonly plugins: readonly PluginStatus[];
  readonly refusals: readonly Refusal[];
  readonly problems: readonly Problem[];
  readonly push?: PushStatus;
  /** For the next status; nothing to show. */
  readonly memory: SlotMemory;
}

/** Of a controller that has just started. */
export const emptyStatus: MeshStatus = { proxies: [], plugins: [], refusals: [], problems: [], memory: emptyMemory };

/**
 * The status of the whole mesh. To be made anew, from the one before, after each push, each answer of a proxy, each
 * connect and disconnect: what a proxy ran before the version that is on its way is only known from `before`.
 */
export function meshStatus(before: MeshStatus, input: StatusInput): MeshStatus {
  const memory = remember(before.memory, input.plugins, input.proxies);
  return {
    proxies: input.proxies.map((state) => syncOf(state, input)).sort((a, b) => (a.name < b.name ? -1 : 1)),
    plugins: pluginStatuses(input.plugins, input.problems, input.proxies, memory),
    refusals: input.proxies.flatMap((state) => refusalsOf(state, before)),
    problems: input.problems,
    ...(input.push && { push: pushStatus(input.push, input.proxies, before.push) }),
    memory,
  };
}

/** A refusal lasts until something is accepted in its place: while that is on its way, it still stands. */
function refusalsOf({ proxy, types }: ProxyState, before: MeshStatus): readonly Refusal[] {
  const name = proxyName(proxy);
  return (Object.keys(typeUrls) as XdsType[]).flatMap((type) =>
    types[type].delivered.flatMap(({ name: resource, owners, delivery }) => {
      if (delivery.state === "nacked") {
        const reason = oneLine(delivery.reason);
        return [{ proxy: name, type, name: resource, reason, isLive: delivery.live !== undefined, owners }];
      }
      return delivery.state === "acked" ? [] : before.refusals.filter(isOf({ proxy: name, type, name: resource }));
    }),
  );
}

/** Whether a refusal is of the same resource on the same proxy. */
export function isOf(one: Pick<Refusal, "proxy" | "type" | "name">): (other: Refusal) => boolean {
  return (other) => other.proxy === one.proxy && other.type === one.type && other.name === one.name;
}
