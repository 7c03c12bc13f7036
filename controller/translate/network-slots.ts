// ECDS: which network plugin runs in each slot of a proxy's TCP chains.
import { codes } from "../model/codes.ts";
import { memo } from "../model/memo.ts";
import type { Mesh, Plugin } from "../model/mesh.ts";
import { type NetworkSlot, networkSlotName } from "../model/names.ts";
import { refOf, refText } from "../model/object.ts";
import type { Problem } from "../model/problem.ts";
import type { Proxy } from "../model/proxy.ts";
import type { Resource } from "../model/resource.ts";
import { type AppliedPlugin, pluginsFor } from "../model/select-plugins.ts";
import { phases } from "../model/wasm-plugin.ts";
import { encode } from "./encode.ts";
import { denyConnections, networkSlotOf } from "./network-slot.ts";
import { join, type Part } from "./part.ts";
import type { Filter } from "./slot-matcher.ts";
import { phaseOf } from "./slots.ts";
import { telemetryConfig } from "./telemetry.ts";
import { wasmFilter } from "./wasm.ts";

/** Ports of a proxy's TCP chains; `undefined`: a chain for connections that lead to no known port. */
export type TcpPorts = Readonly<Record<NetworkSlot["direction"], readonly (number | undefined)[]>>;

/** Every network slot of a proxy, also the empty ones. */
export function networkSlots(mesh: Mesh, proxy: Proxy, ports: TcpPorts): Part {
  return join(
    (["inbound", "outbound"] as const).map((direction) => {
      const applied = pluginsFor(mesh, proxy, direction, "NETWORK");
      const chains = [...new Set(ports[direction])];
      return {
        resources: [
          ...chains.flatMap((port) => pluginSlots(mesh, applied, { direction, port })),
          ...(chains.length > 0 ? [telemetrySlot(mesh, proxy, direction)] : []),
        ],
        problems: displaced(applied, chains),
      };
    }),
  );
}

interface Chain {
  readonly direction: NetworkSlot["direction"];
  readonly port: number | undefined;
}

function pluginSlots(mesh: Mesh, applied: readonly AppliedPlugin[], { direction, port }: Chain): readonly Resource[] {
  return phases.map((phase) => {
    const slot = { direction, phase: phaseOf[phase], port };
    const acting = applied.filter((one) => one.plugin.object.spec.phase === phase && actsOn(one, port));
    return pluginSlot(mesh, slot, plugins(acting));
  });
}

const plugins = (applied: readonly AppliedPlugin[]): readonly Plugin[] => applied.map(({ plugin }) => plugin);

function actsOn({ ports }: AppliedPlugin, port: number | undefined): boolean {
  return ports === "all" || (port !== undefined && ports.includes(port));
}

/** A slot with the same plugins is one resource for all proxies. */
const slotResources = memo<object, Resource>();

function pluginSlot(mesh: Mesh, slot: NetworkSlot, plugins: readonly Plugin[]): Resource {
  const name = networkSlotName(slot);
  const key = JSON.stringify([name, plugins.map(({ object }) => refText(refOf(object)))]);
  const make = (): Resource => {
    const { running, filter } = chosen(plugins);
    return encode("ECDS", name, networkSlotOf(name, filter), {
      owners: running.map(({ object }) => refOf(object)),
      ...(running.some(({ module }) => !module) ? { stopgap: true } : {}),
    });
  };
  const from = plugins.flatMap(({ object, module }) => [object, module]);
  return slotResources(plugins[0]?.object ?? mesh.settings, key, make, from);
}

interface Chosen {
  readonly running: readonly Plugin[];
  readonly filter?: Filter;
}

/**
 * A slot holds one filter. One that must not be passed by comes before those that may; of two such, neither can be done without,
 * and no connection passes.
 */
function chosen(plugins: readonly Plugin[]): Chosen {
  const required = plugins.filter(isRequired);
  if (required.length > 1) return { running: required, filter: denyConnections("several") };
  const one = required[0] ?? plugins.find(({ module }) => module);
  const filter = one && filterOf(one);
  return one && filter ? { running: [one], filter } : { running: [] };
}

function isRequired({ object }: Plugin): boolean {
  return object.spec.failStrategy !== "FAIL_OPEN";
}

const filters = memo<Plugin, Filter>();

/** Nothing where a plugin lets connections pass that it can't see. */
function filterOf(plugin: Plugin): Filter | undefined {
  const { object, module } = plugin;
  const { namespace, name } = object.meta;
  if (!module) return object.spec.failStrategy === "FAIL_OPEN" ? undefined : denyConnections(`${namespace}.${name}`);
  return filters(plugin, "", () => wasmFilter({ namespace, name, module, chain: "network", spec: object.spec }));
}

/** The built-in telemetry counts what has passed all plugins, as in Istio. It belongs to no object; what it is told does. */
function telemetrySlot(mesh: Mesh, proxy: Proxy, direction: NetworkSlot["direction"]): Resource {
  const { telemetry: module, settings } = mesh;
  const name = networkSlotName({ direction, phase: "telemetry" });
  const config = module && telemetryConfig(mesh, proxy, { direction, of: "connections" });
  const make = (): Resource => {
    const spec = {
      pluginName: "",
      failStrategy: "FAIL_OPEN",
      env: {},
      ...(config && { pluginConfig: config.value }),
    } as const;
    const filter = module?.attach.includes("network")
      ? wasmFilter({ namespace: settings.rootNamespace, name: "telemetry", module, chain: "network", spec })
      : undefined;
    return encode("ECDS", name, networkSlotOf(name, filter), { owners: config?.owners ?? [] });
  };
  return slotResources(settings, JSON.stringify([name, config]), make, [module]);
}

/** Plugins that share a slot with others, and what comes of it. */
function displaced(applied: readonly AppliedPlugin[], chains: TcpPorts["inbound"]): Problem[] {
  return applied.flatMap((one, index) => {
    const { object } = one.plugin;
    const sharesSlot = (other: AppliedPlugin): boolean =>
      other !== one &&
      other.plugin.object.spec.phase === object.spec.phase &&
      chains.some((port) => actsOn(one, port) && actsOn(other, port));
    const others = applied.filter(sharesSlot);
    const other = isRequired(one.plugin)
      ? others.find(({ plugin }) => isRequired(plugin))
      : others.find((other) => isRequired(other.plugin) || (other.plugin.module && applied.indexOf(other) < index));
    if (!other) return [];
    const both = isRequired(one.plugin);
    const effect = both ? "are closed, since neither may be passed by" : "pass without this one";
    const message = `is ${object.spec.phase}, as ${refText(refOf(other.plugin.object))} is: connections have one network plugin for each phase and port, and ${effect}; write another phase`;
    const path = ["spec", "phase"];
    return [
      { severity: both ? "error" : "warning", code: codes.ineffectivePlugin, object: refOf(object), path, message },
    ];
  });
}
