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
  const acting = applied.filter((one) => actsOn(one, port)).map(({ plugin }) => plugin);
  return phases.map((phase) => {
    const first = acting.find(({ object }) => object.spec.phase === phase);
    return pluginSlot(mesh, { direction, phase: phaseOf[phase], port }, first);
  });
}

function actsOn({ ports }: AppliedPlugin, port: number | undefined): boolean {
  return ports === "all" || (port !== undefined && ports.includes(port));
}

/** A slot with the same plugin is one resource for all proxies. */
const slotResources = memo<object, Resource>();

function pluginSlot(mesh: Mesh, slot: NetworkSlot, plugin: Plugin | undefined): Resource {
  const name = networkSlotName(slot);
  const make = (): Resource => {
    const filter = plugin && filterOf(plugin);
    return encode("ECDS", name, networkSlotOf(name, filter), {
      owners: plugin && filter ? [refOf(plugin.object)] : [],
      ...(plugin && !plugin.module ? { stopgap: true } : {}),
    });
  };
  return slotResources(plugin?.object ?? mesh.settings, name, make, [plugin?.module]);
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
  const config = module && telemetryConfig(mesh, proxy, direction);
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

/** A slot holds one filter, so that a second plugin of a phase has no place on the ports of the first. */
function displaced(applied: readonly AppliedPlugin[], chains: TcpPorts["inbound"]): Problem[] {
  return applied.flatMap((one, index) => {
    const { object } = one.plugin;
    const first = applied
      .slice(0, index)
      .find(
        (other) =>
          other.plugin.object.spec.phase === object.spec.phase &&
          chains.some((port) => actsOn(one, port) && actsOn(other, port)),
      );
    if (!first) return [];
    const message = `is ${object.spec.phase}, where ${refText(refOf(first.plugin.object))} comes first: connections have one network plugin for each phase and port, and pass without this one; write another phase`;
    const path = ["spec", "phase"];
    return [{ severity: "warning", code: codes.ineffectivePlugin, object: refOf(object), path, message }];
  });
}
