import type { Plugin } from "../model/mesh.ts";
import { refOf, refText } from "../model/object.ts";
import type { ProxyState } from "../model/proxy-state.ts";
import type { Delivery } from "../model/resource.ts";
import type { Sha256 } from "../model/wasm-plugin.ts";

// A slot is delivered as a whole and a delivery only names a version. What a version held, and which one a proxy last
// accepted, is kept here, so that the status of a plugin is not disturbed by its neighbours in the slot: while one of
// them is rolled out or refused, the others are live as before.

/** A plugin as one version of a slot holds it. Equal editions act alike. */
export interface Edition {
  /** Absent: no module was ever good, and a filter stands in that denies, or nothing under FAIL_OPEN. */
  readonly digest?: Sha256;
  /** The plugin's spec, as text. */
  readonly spec: string;
}

export interface SlotMemory {
  /** `<slot>@<version>` -> {@link refText} of a plugin -> what it was in it. */
  readonly contents: ReadonlyMap<string, ReadonlyMap<string, Edition>>;
  /** Proxy id -> slot -> version that last was acknowledged. */
  readonly live: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

export const emptyMemory: SlotMemory = { contents: new Map(), live: new Map() };

/** The edition that the control plane wants of a plugin. */
export function editionOf(plugin: Plugin): Edition {
  const spec = JSON.stringify(plugin.object.spec);
  return plugin.module === undefined ? { spec } : { digest: plugin.module.digest, spec };
}

/** What a proxy runs of a plugin in a slot; `undefined` if it has no version of the slot, or one without the plugin. */
export function liveEdition(memory: SlotMemory, proxyId: string, slot: string, ref: string): Edition | undefined {
  const version = memory.live.get(proxyId)?.get(slot);
  return version === undefined ? undefined : memory.contents.get(slotKey(slot, version))?.get(ref);
}

/** Whether this process made the version of a slot that a proxy runs; else it is of an earlier one, or there is none. */
export function knowsLive(memory: SlotMemory, proxyId: string, slot: string): boolean {
  const version = memory.live.get(proxyId)?.get(slot);
  return version !== undefined && memory.contents.has(slotKey(slot, version));
}

export function isSameEdition(a: Edition | undefined, b: Edition): boolean {
  return a !== undefined && a.digest === b.digest && a.spec === b.spec;
}

/** Adds what is wanted and acknowledged now; forgets proxies that are gone and versions that nobody has or wants. */
export function remember(memory: SlotMemory, plugins: readonly Plugin[], proxies: readonly ProxyState[]): SlotMemory {
  const editions = new Map(plugins.map((plugin) => [refText(refOf(plugin.object)), editionOf(plugin)]));
  const live = new Map(proxies.map((state) => [state.proxy.id, liveVersions(memory, state)]));
  const contents = new Map<string, ReadonlyMap<string, Edition>>();
  for (const versions of live.values())
    for (const [slot, version] of versions) {
      const known = memory.contents.get(slotKey(slot, version));
      if (known !== undefined) contents.set(slotKey(slot, version), known);
    }
  for (const { snapshot } of proxies)
    for (const { name, version, owners } of snapshot.ECDS.values()) {
      const held = owners.map(refText).flatMap((ref) => pair(ref, editions.get(ref)));
      contents.set(slotKey(name, version), new Map(held));
    }
  return { contents, live };
}

function liveVersions(memory: SlotMemory, { proxy, types }: ProxyState): ReadonlyMap<string, string> {
  const before = memory.live.get(proxy.id);
  const versions = types.ECDS.delivered.flatMap(({ name: slot, delivery }) =>
    pair(slot, liveVersion(delivery) ?? before?.get(slot)),
  );
  return new Map(versions);
}

function liveVersion(delivery: Delivery): string | undefined {
  if (delivery.state === "acked") return delivery.version;
  return delivery.state === "nacked" ? delivery.live : undefined;
}

function pair<T>(key: string, value: T | undefined): readonly (readonly [string, T])[] {
  return value === undefined ? [] : [[key, value]];
}

function slotKey(slot: string, version: string): string {
  return `${slot}@${version}`;
}
