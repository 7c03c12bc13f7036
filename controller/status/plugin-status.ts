import type { Plugin } from "../model/mesh.ts";
import { type Ref, refOf, refText } from "../model/object.ts";
import type { Problem } from "../model/problem.ts";
import type { ProxyState } from "../model/proxy-state.ts";
import type { Sha256 } from "../model/wasm-plugin.ts";
import type { ObjectStatus } from "./object-status.ts";
import { conditionsOf } from "./plugin-conditions.ts";
import { onProxy, type PluginOnProxy, type PluginRefusal } from "./plugin-on-proxy.ts";
import type { SlotMemory } from "./slot-memory.ts";

/** What has become of one WasmPlugin; its conditions are Accepted, Programmed, Degraded. */
export interface PluginStatus extends ObjectStatus {
  readonly ref: Ref;
  /** Connected proxies that should run it. */
  readonly matched: number;
  /** Of those, proxies that run what is wanted. */
  readonly acknowledged: number;
  /** Of those, proxies that refused what is wanted. */
  readonly refused: number;
  /** The module that is wanted; absent where none was ever good. */
  readonly digest?: Sha256;
  /** Which module runs where; the digest on most proxies first. */
  readonly live: readonly LiveDigest[];
  /** Of the first proxy by name. */
  readonly refusal?: PluginRefusal;
}

export interface LiveDigest {
  readonly digest: Sha256;
  /** Names, sorted: `web-1.shop`. */
  readonly proxies: readonly string[];
}

/**
 * The status of every WasmPlugin in force, and of every one that has problems and is not; sorted by name.
 *
 * @param problems those of other objects are passed over
 * @param memory   must already hold `plugins` and `proxies` ({@link remember})
 */
export function pluginStatuses(
  plugins: readonly Plugin[],
  problems: readonly Problem[],
  proxies: readonly ProxyState[],
  memory: SlotMemory,
): readonly PluginStatus[] {
  const own = new Map<string, { readonly ref: Ref; readonly plugin?: Plugin; readonly problems: Problem[] }>();
  for (const plugin of plugins) {
    const ref = refOf(plugin.object);
    own.set(refText(ref), { ref, plugin, problems: [] });
  }
  for (const problem of problems) {
    const ref = problem.object;
    if (ref?.kind !== "WasmPlugin") continue;
    const entry = own.get(refText(ref)) ?? { ref, problems: [] };
    entry.problems.push(problem);
    own.set(refText(ref), entry);
  }
  return [...own.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { ref, plugin, problems: ownProblems }]) => {
      const on = plugin === undefined ? [] : proxies.flatMap((state) => onProxy(plugin, state, memory));
      return statusOf(ref, plugin, ownProblems, on);
    });
}

function statusOf(
  ref: Ref,
  plugin: Plugin | undefined,
  problems: readonly Problem[],
  on: readonly PluginOnProxy[],
): PluginStatus {
  const sorted = on.toSorted((a, b) => (a.proxy < b.proxy ? -1 : 1));
  const refusal = sorted.find((one) => one.refusal)?.refusal;
  const digest = plugin?.module?.digest;
  const generation = plugin?.object.meta.generation;
  return {
    ref,
    ...(generation !== undefined && { generation }),
    conditions: conditionsOf(plugin, problems, sorted),
    matched: sorted.length,
    acknowledged: sorted.filter(({ state }) => state === "acknowledged").length,
    refused: sorted.filter(({ state }) => state === "refused").length,
    ...(digest && { digest }),
    live: liveDigests(sorted),
    ...(refusal && { refusal }),
  };
}

function liveDigests(on: readonly PluginOnProxy[]): readonly LiveDigest[] {
  const digests = [...new Set(on.flatMap(({ live }) => live))].sort();
  return digests
    .map((digest) => ({ digest, proxies: on.filter(({ live }) => live.includes(digest)).map(({ proxy }) => proxy) }))
    .sort((a, b) => b.proxies.length - a.proxies.length);
}
