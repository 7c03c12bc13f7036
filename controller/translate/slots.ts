// ECDS: which plugins run in each slot of a proxy, in which order, on which ports.

import { memo } from "../model/memo.ts";
import type { Mesh, Plugin } from "../model/mesh.ts";
import { type Slot, type SlotPhase, slotName, slotPhases } from "../model/names.ts";
import { refOf, refText } from "../model/object.ts";
import type { Proxy } from "../model/proxy.ts";
import type { Resource } from "../model/resource.ts";
import { type AppliedPlugin, pluginsFor } from "../model/select-plugins.ts";
import type { Phase } from "../model/wasm-plugin.ts";
import { denyFilter } from "./deny.ts";
import { encode } from "./encode.ts";
import type { Part } from "./part.ts";
import { pluginProblems } from "./plugin-problems.ts";
import { type Choice, type Filter, slotOf } from "./slot-matcher.ts";
import { type TelemetryConfig, telemetryConfig, telemetryProblems } from "./telemetry.ts";
import { wasmFilter } from "./wasm.ts";

/** What a plugin's ports mean on this proxy's listeners. */
export interface PortView {
  /** Outbound listeners that take requests for all ports. */
  readonly proxied: readonly number[];
  /** Gateways: port of a server to the ports listened on. */
  readonly gateway?: ReadonlyMap<number, readonly number[]>;
}

/** Where plugins of a phase live. */
export const phaseOf: Readonly<Record<Phase, Exclude<SlotPhase, "upstream">>> = {
  AUTHN: "authn",
  AUTHZ: "authz",
  STATS: "stats",
  UNSPECIFIED_PHASE: "unspecified",
};

/** Every slot of a proxy, also those without plugins: an empty one does nothing and keeps its place. */
export function slots(mesh: Mesh, proxy: Proxy, view: PortView): Part {
  const directions = proxy.type === "router" ? (["outbound"] as const) : (["inbound", "outbound"] as const);
  const resources = directions.flatMap((direction) => {
    const applied = pluginsFor(mesh, proxy, direction);
    const config = mesh.telemetry && telemetryConfig(mesh, proxy, { direction, of: "requests" });
    return slotPhases.map((phase) =>
      slot(mesh, {
        slot: { direction, phase },
        applied,
        view,
        telemetryConfig: phase === "authn" ? config : undefined,
      }),
    );
  });
  return { resources, problems: [...pluginProblems(mesh, proxy, view), ...telemetryProblems(mesh, proxy)] };
}

interface SlotOptions {
  readonly slot: Slot;
  readonly applied: readonly AppliedPlugin[];
  readonly view: PortView;
  /** Of the built-in telemetry, if it is told anything. */
  readonly telemetryConfig: TelemetryConfig | undefined;
}

/** Slots with the same plugins on the same ports are one resource for all proxies, as long as the plugins are the same. */
const slotResources = memo<object, Resource>();

function slot(mesh: Mesh, { slot, applied, view, telemetryConfig: config }: SlotOptions): Resource {
  const members = applied.filter((one) => standsIn(one, slot.phase));
  const named = members.map(({ plugin, ports }) => [refText(refOf(plugin.object)), ports]);
  const key = JSON.stringify([slot, named, view.proxied, [...(view.gateway ?? [])], config]);
  const from = members.flatMap(({ plugin }) => [plugin.object, plugin.module]);
  const make = (): Resource => {
    const filters = members.map((member) => ({ ports: member.ports, filter: filter(member.plugin, slot.phase) }));
    const running = members.filter((_, i) => filters[i]?.filter).map(({ plugin }) => refOf(plugin.object));
    const owners = [...(config?.owners ?? []), ...running];
    const content = choices([...telemetry(mesh, slot, config), ...filters], slot, view);
    const isStopgap = members.some(({ plugin }) => !plugin.module);
    return encode("ECDS", slotName(slot), slotOf(slotName(slot), content), {
      owners,
      ...(isStopgap ? { stopgap: true } : {}),
    });
  };
  return slotResources(from[0] ?? mesh.settings, key, make, [mesh.settings, mesh.telemetry, ...from]);
}

/** Without a module it is not known where a plugin attaches; then it stands where it denies all requests. */
function standsIn({ plugin }: AppliedPlugin, phase: Slot["phase"]): boolean {
  const attach = plugin.module?.attach ?? ["downstream"];
  if (phase === "upstream") return attach.includes("upstream");
  return phaseOf[plugin.object.spec.phase] === phase && attach.includes("downstream");
}

interface Member {
  readonly ports: AppliedPlugin["ports"];
  /** Absent: a plugin that lets requests pass where it can't run. */
  readonly filter: Filter | undefined;
}

const filters = memo<Plugin, Filter>();

function filter(plugin: Plugin, phase: Slot["phase"]): Filter | undefined {
  const { object, module } = plugin;
  const { namespace, name } = object.meta;
  if (!module) return object.spec.failStrategy === "FAIL_OPEN" ? undefined : denyFilter(`${namespace}.${name}`);
  const chain = phase === "upstream" ? "upstream" : "downstream";
  return filters(plugin, chain, () => wasmFilter({ namespace, name, module, chain, spec: object.spec }));
}

/**
 * The built-in telemetry, before all plugins: it hands over peer metadata, as Istio's first filter does, and it counts
 * what a plugin answers itself, whose later slots Envoy never runs. It is part of the mesh and belongs to no object; what it
 * is told does.
 */
function telemetry({ telemetry: module, settings }: Mesh, { phase }: Slot, config?: TelemetryConfig): Member[] {
  const chain = phase === "upstream" ? "upstream" : "downstream";
  if (!module?.attach.includes(chain) || (phase !== "upstream" && phase !== "authn")) return [];
  const own = config ? { pluginConfig: config.value } : {};
  const spec = { pluginName: "", failStrategy: "FAIL_OPEN", env: {}, ...own } as const;
  const filter = wasmFilter({ namespace: settings.rootNamespace, name: "telemetry", module, chain, spec });
  return [{ ports: "all", filter }];
}

function choices(members: readonly Member[], { direction }: Slot, { proxied, gateway }: PortView) {
  const content = choice(members, (port) => gateway?.get(port) ?? [port]);
  if (direction === "inbound" || proxied.length === 0) return content;
  return { ...content, proxied: { listenerPorts: proxied, choice: choice(members, (port) => [port]) } };
}

/** @param listenerPorts the ports of listeners that a plugin's port stands for */
function choice(members: readonly Member[], listenerPorts: (port: number) => readonly number[]): Choice {
  const known = members.flatMap(({ ports, filter }) => {
    if (!filter) return [];
    const at = ports === "all" ? ports : new Set(ports.flatMap(listenerPorts));
    return [{ filter, at }];
  });
  const named = known.flatMap(({ at }) => (at === "all" ? [] : [...at]));
  const ports = [...new Set(named)].toSorted((a, b) => a - b);
  const at = (port: number): Filter[] =>
    known.filter((member) => member.at === "all" || member.at.has(port)).map((member) => member.filter);
  return {
    byPort: new Map(ports.map((port) => [port, at(port)])),
    otherwise: known.filter((member) => member.at === "all").map((member) => member.filter),
  };
}
