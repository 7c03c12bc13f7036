// Which VirtualServices concern a proxy, with which hosts. Pure; see select.ts.

import type { GatewayServer } from "./gateway.ts";
import { intersection, splitHost } from "./host.ts";
import type { Routing } from "./mesh.ts";
import { resolveHost } from "./names.ts";
import type { MeshObject } from "./object.ts";
import type { Proxy } from "./proxy.ts";
import type { EgressListener } from "./sidecar.ts";
import { imports, isExported } from "./visibility.ts";

/** The gateway name that stands for all sidecars. */
export const meshGateway = "mesh";

/** A VirtualService with the full names of its hosts. */
export interface BoundVirtualService {
  readonly object: MeshObject<"VirtualService">;
  readonly hosts: readonly string[];
}

/**
 * The VirtualServices of gateway `mesh` that a sidecar sees, those that take precedence first: private ones, then
 * those exported to its namespace by name, then public ones, each in the mesh's order. A gateway proxy sees none.
 *
 * @param egress only what this listener of its Sidecar brings; absent: everything.
 */
export function virtualServicesFor(
  mesh: Routing,
  proxy: Proxy,
  egress?: EgressListener,
): readonly BoundVirtualService[] {
  if (proxy.type === "router") return [];
  return exportedVirtualServices(mesh, proxy.namespace)
    .filter(({ object }) => object.spec.gateways.includes(meshGateway))
    .filter(({ object: { meta }, hosts }) => {
      return !egress || hosts.some((host) => imports(egress, proxy, { host, namespace: meta.namespace }));
    });
}

/** The VirtualServices bound to a Gateway that a gateway proxy sees, in the same order as for sidecars. */
export function virtualServicesForGateway(
  mesh: Routing,
  proxy: Proxy,
  gateway: MeshObject<"Gateway">,
): readonly BoundVirtualService[] {
  return exportedVirtualServices(mesh, proxy.namespace).filter(({ object }) =>
    object.spec.gateways.some((name) => isGatewayName(name, object.meta.namespace, gateway)),
  );
}

/** Whether `[namespace/]name`, written in an object of `namespace`, names the gateway. */
export function isGatewayName(name: string, namespace: string, gateway: MeshObject<"Gateway">): boolean {
  if (name === meshGateway) return false;
  const { namespace: written, host } = splitHost(name, namespace);
  return host === gateway.meta.name && (written === "." ? namespace : written) === gateway.meta.namespace;
}

/**
 * The hosts of a VirtualService that a server of a Gateway serves: of a pair that overlaps, the narrower. Empty where
 * the server's hosts don't admit the VirtualService.
 */
export function hostsOnServer(
  server: GatewayServer,
  gateway: MeshObject<"Gateway">,
  { object, hosts }: BoundVirtualService,
): readonly string[] {
  const shared = server.hosts.flatMap((text) => {
    const { namespace, host: pattern } = splitHost(text, "*");
    const wanted = namespace === "." ? gateway.meta.namespace : namespace;
    if (wanted !== "*" && wanted !== object.meta.namespace) return [];
    return hosts.flatMap((host) => intersection(pattern, host) ?? []);
  });
  return [...new Set(shared)];
}

function exportedVirtualServices(mesh: Routing, namespace: string): BoundVirtualService[] {
  const rank = ({ exportTo }: { exportTo: readonly string[] }, from: string): number => {
    if (exportTo.length === 0 || exportTo.includes("*")) return 2;
    return from === namespace ? 0 : 1;
  };
  return mesh.virtualServices
    .filter(({ meta, spec }) => isExported(spec.exportTo, { from: meta.namespace, to: namespace }))
    .toSorted((a, b) => rank(a.spec, a.meta.namespace) - rank(b.spec, b.meta.namespace))
    .map((object) => ({
      object,
      hosts: object.spec.hosts.map((host) => resolveHost(host, object.meta.namespace, mesh.settings.domain)),
    }));
}
