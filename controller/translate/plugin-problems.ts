// What a WasmPlugin asks for and does not get, or gets differently.
import { codes } from "../model/codes.ts";
import type { Mesh, Plugin } from "../model/mesh.ts";
import { type MeshObject, matches, refOf, refText } from "../model/object.ts";
import type { Problem } from "../model/problem.ts";
import type { Proxy } from "../model/proxy.ts";
import { pluginsFor } from "../model/select-plugins.ts";
import { virtualServicesFor } from "../model/select-routes.ts";
import { authorityOf } from "./header-operations.ts";
import type { PortView } from "./slots.ts";

export function pluginProblems(mesh: Mesh, proxy: Proxy, view: PortView): readonly Problem[] {
  const applied = (["HTTP", "NETWORK"] as const).flatMap((type) => [
    ...pluginsFor(mesh, proxy, "inbound", type),
    ...pluginsFor(mesh, proxy, "outbound", type),
  ]);
  const plugins = new Set(applied.map(({ plugin }) => plugin));
  return [
    ...[...plugins].flatMap(moduleProblems),
    ...(proxy.type === "router" ? gatewayProblems(mesh, proxy, view) : []),
    ...(view.proxied.length > 0 ? authorityProblems(mesh, proxy) : []),
  ];
}

/**
 * On an HTTP proxy port a plugin's ports are those that requests name in their authority. The half in the router's chain
 * sees the authority after a VirtualService has changed it.
 */
function authorityProblems(mesh: Mesh, proxy: Proxy): Problem[] {
  const changing = virtualServicesFor(mesh, proxy)
    .map(({ object }) => object)
    .filter(changesAuthority);
  if (changing.length === 0) return [];
  return pluginsFor(mesh, proxy, "outbound").flatMap(({ plugin, ports }) => {
    if (ports === "all" || !plugin.module?.attach.includes("upstream")) return [];
    const names = changing.map((object) => refText(refOf(object))).join(", ");
    const message = `has ports, which the part of the plugin that runs at each attempt finds in the authority as ${names} changes it: requests on those routes may count for another port; leave the ports out`;
    return [matchProblem(plugin, message)];
  });
}

function changesAuthority({ spec }: MeshObject<"VirtualService">): boolean {
  return spec.http.some(({ rewrite, headers, route }) => {
    const operations = [headers, ...route.map((one) => one.headers)];
    return rewrite?.authority !== undefined || operations.some((one) => authorityOf(one) !== undefined);
  });
}

/** Istio's agent does the same where it can't fetch a module. */
function moduleProblems({ object, module }: Plugin): Problem[] {
  if (module) return [];
  const { failStrategy, type } = object.spec;
  const [traffic, denied] =
    type === "NETWORK"
      ? ["connections", "are closed at their first bytes (what a server sends before them reaches the caller)"]
      : ["requests", "get 403"];
  const effect =
    failStrategy === "FAIL_OPEN"
      ? `${traffic} pass without the plugin`
      : `${traffic} ${denied} until one is; proxies that ran it before the controller was started go on`;
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
