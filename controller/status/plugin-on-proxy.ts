import type { Plugin } from "../model/mesh.ts";
import { refOf, refText } from "../model/object.ts";
import { proxyName } from "../model/proxy.ts";
import type { ProxyState } from "../model/proxy-state.ts";
import type { Sha256 } from "../model/wasm-plugin.ts";
import { editionOf, isSameEdition, liveEdition, type SlotMemory } from "./slot-memory.ts";

export interface PluginRefusal {
  readonly proxy: string;
  readonly slot: string;
  /** Envoy's own words, on one line. */
  readonly reason: string;
}

/** What one proxy has made of a plugin, over all slots that hold it. */
export interface PluginOnProxy {
  readonly proxy: string;
  readonly state: "acknowledged" | "refused" | "pending";
  /** Modules that run there: one, or two while one slot is ahead of another. */
  readonly live: readonly Sha256[];
  readonly refusal?: PluginRefusal;
  /** Slots that the proxy has not asked for; all of them where the state is pending for want of a listener. */
  readonly unasked: readonly string[];
}

/** Empty where the proxy's slots don't hold the plugin. */
export function onProxy(plugin: Plugin, state: ProxyState, memory: SlotMemory): readonly PluginOnProxy[] {
  const ref = refText(refOf(plugin.object));
  const slots = [...state.snapshot.ECDS.values()].filter(({ owners }) => owners.some((one) => refText(one) === ref));
  if (slots.length === 0) return [];
  const proxy = proxyName(state.proxy);
  const wanted = editionOf(plugin);
  const deliveries = new Map(state.types.ECDS.delivered.map(({ name, delivery }) => [name, delivery]));
  const asked = slots.filter(({ name }) => deliveries.has(name));
  const live = asked.map(({ name }) => liveEdition(memory, state.proxy.id, name, ref));
  const behind = asked.filter((_, i) => !isSameEdition(live[i], wanted));
  const refusal = behind.flatMap(({ name, version }): PluginRefusal[] => {
    const delivery = deliveries.get(name);
    if (delivery?.state !== "nacked" || delivery.version !== version) return [];
    return [{ proxy, slot: name, reason: oneLine(delivery.reason) }];
  })[0];
  const done = asked.length > 0 && behind.length === 0;
  return [
    {
      proxy,
      state: done ? "acknowledged" : refusal ? "refused" : "pending",
      live: [...new Set(live.flatMap((edition) => edition?.digest ?? []))],
      ...(refusal && { refusal }),
      unasked: slots.filter((slot) => !asked.includes(slot)).map(({ name }) => name),
    },
  ];
}

/** Envoy's refusals may run over several lines. */
export function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, "; ");
}
