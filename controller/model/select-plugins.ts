import type { Mesh, Plugin } from "./mesh.ts";
import { matches } from "./object.ts";
import type { Proxy } from "./proxy.ts";
import { phases, type WasmPlugin } from "./wasm-plugin.ts";

/** A plugin and the ports where it acts: service ports outbound, target ports inbound. */
export interface AppliedPlugin {
  readonly plugin: Plugin;
  readonly ports: readonly number[] | "all";
}

/**
 * The plugins of a type that act on a proxy's traffic in one direction, in the order in which they run: by phase, then higher
 * priority first and unset priority last, then those of the proxy's namespace before those of the root namespace,
 * then older first. A gateway's traffic is outbound.
 */
export function pluginsFor(
  mesh: Mesh,
  proxy: Proxy,
  direction: "inbound" | "outbound",
  type: WasmPlugin["type"] = "HTTP",
): readonly AppliedPlugin[] {
  if (proxy.type === "router" && direction === "inbound") return [];
  const selected = mesh.plugins.filter(({ object: { meta, spec } }) => {
    if (spec.type !== type) return false;
    const near = meta.namespace === proxy.namespace || meta.namespace === mesh.settings.rootNamespace;
    return near && matches(spec.selector ?? {}, proxy.labels);
  });
  const order = (a: Plugin, b: Plugin): number =>
    phases.indexOf(a.object.spec.phase) - phases.indexOf(b.object.spec.phase) ||
    comparePriority(a.object.spec.priority, b.object.spec.priority) ||
    Number(b.object.meta.namespace === proxy.namespace) - Number(a.object.meta.namespace === proxy.namespace);
  return selected.toSorted(order).flatMap((plugin) => {
    const ports = pluginPorts(plugin, direction);
    return ports === undefined ? [] : [{ plugin, ports }];
  });
}

function comparePriority(a: number | undefined, b: number | undefined): number {
  if (a === b) return 0;
  return a === undefined || (b !== undefined && a < b) ? 1 : -1;
}

/** `undefined` where the plugin does not act in that direction at all. */
function pluginPorts({ object }: Plugin, direction: "inbound" | "outbound"): readonly number[] | "all" | undefined {
  const side = direction === "outbound" ? "CLIENT" : "SERVER";
  const selectors = object.spec.match.filter(({ mode }) => mode === "CLIENT_AND_SERVER" || mode === side);
  if (object.spec.match.length > 0 && selectors.length === 0) return undefined;
  if (selectors.some(({ ports }) => ports.length === 0) || selectors.length === 0) return "all";
  return [...new Set(selectors.flatMap(({ ports }) => ports))].toSorted((a, b) => a - b);
}
