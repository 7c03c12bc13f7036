// What a WasmPlugin asks for and does not get, or gets differently.
import { codes } from "../model/codes.ts";
import type { Mesh, Plugin } from "../model/mesh.ts";
import { matches, refOf } from "../model/object.ts";
import type { Problem } from "../model/problem.ts";
import type { Proxy } from "../model/proxy.ts";
import { pluginsFor } from "../model/select-plugins.ts";
import type { PortView } from "./slots.ts";

export function pluginProblems(mesh: Mesh, proxy: Proxy, view: PortView): readonly Problem[] {
  const applied = [...pluginsFor(mesh, proxy, "inbound"), ...pluginsFor(mesh, proxy, "outbound")];
  const plugins = new Set(applied.map(({ plugin }) => plugin));
  return [
    ...[...plugins].flatMap(moduleProblems),
    ...(proxy.type === "router" ? gatewayProblems(mesh, proxy, view) : []),
  ];
}

/** Istio's agent does the same where it can't fetch a module. */
function moduleProblems({ object, module }: Plugin): Problem[] {
  if (module) return [];
  const { failStrategy } = object.spec;
  const effect =
    failStrategy === "FAIL_OPEN"
      ? "requests pass without the plugin"
      : "requests get 403 until one is, on proxies that have no earlier one";
  const message = `is ${failStrategy} and no module was good yet: ${effect}`;
  return [
    { severity: "warning", code: codes.noModule, object: refOf(object), path: ["spec", "failStrategy"], message },
  ];
}

/** Gateways have no server side, and only the ports of their servers. */
function gatewayProblems(mesh: Mesh, proxy: Proxy, { gateway = new Map() }: PortView): Problem[] {
  const own = [...gateway.keys()];
  const outbound = pluginsFor(mesh, proxy, "outbound");
  const unreached = outbound.flatMap(({ plugin, ports }) => {
    if (ports === "all" || ports.some((port) => gateway.has(port))) return [];
    const message = `has ports ${ports.join(", ")}, none of which is a port of the gateway's servers (${own.join(", ") || "none"}): the plugin acts on none of its traffic`;
    return [matchProblem(plugin, message)];
  });
  const serverOnly = mesh.plugins.filter(({ object: { meta, spec } }) => {
    const near = meta.namespace === proxy.namespace || meta.namespace === mesh.settings.rootNamespace;
    const meant = spec.selector !== undefined && matches(spec.selector, proxy.labels);
    return near && meant && spec.match.length > 0 && spec.match.every(({ mode }) => mode === "SERVER");
  });
  const message =
    "has only mode SERVER, but a gateway's traffic is CLIENT: the plugin does not act there; use CLIENT or CLIENT_AND_SERVER";
  return [...unreached, ...serverOnly.map((plugin) => matchProblem(plugin, message))];
}

function matchProblem({ object }: Plugin, message: string): Problem {
  return {
    severity: "warning",
    code: codes.ineffectivePlugin,
    object: refOf(object),
    path: ["spec", "match"],
    message,
  };
}
