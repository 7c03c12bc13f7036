import { codes } from "../model/codes.ts";
import type { Mesh } from "../model/mesh.ts";
import { resolveHost } from "../model/names.ts";
import { type MeshObject, refOf, refText } from "../model/object.ts";
import type { Path, Problem } from "../model/problem.ts";
import { hostsOnServer, isGatewayName, meshGateway } from "../model/select-routes.ts";

type VirtualServiceObject = MeshObject<"VirtualService">;

/** Where VirtualServices are bound: Gateways that don't exist or don't serve the host, hosts that two of them claim. */
export function checkHosts(mesh: Mesh): readonly Problem[] {
  return [...mesh.virtualServices.flatMap((object) => gatewayProblems(object, mesh)), ...conflicts(mesh)];
}

function gatewayProblems(object: VirtualServiceObject, mesh: Mesh): Problem[] {
  const { meta, spec } = object;
  const named = [
    ...spec.gateways.map((name, i) => ({ name, path: ["spec", "gateways", i] })),
    ...spec.http.flatMap((route, i) =>
      route.match.flatMap((match, j) =>
        (match.gateways ?? []).map((name, k) => ({ name, path: ["spec", "http", i, "match", j, "gateways", k] })),
      ),
    ),
  ];
  return named.flatMap(({ name, path }) => {
    if (name === meshGateway) return [];
    const gateway = mesh.gateways.find((one) => isGatewayName(name, meta.namespace, one));
    if (!gateway) {
      const message = `is "${name}": Referenced gateway not found: "${name}"`;
      return [{ severity: "error", code: codes.notFound, object: refOf(object), path, message } satisfies Problem];
    }
    return path[1] === "gateways" ? unserved(object, gateway, mesh.settings.domain) : [];
  });
}

function unserved(object: VirtualServiceObject, gateway: MeshObject<"Gateway">, domain: string): Problem[] {
  const patterns = [...new Set(gateway.spec.servers.flatMap(({ hosts }) => hosts))].join(", ");
  return object.spec.hosts.flatMap((text, i) => {
    const hosts = [resolveHost(text, object.meta.namespace, domain)];
    if (gateway.spec.servers.some((server) => hostsOnServer(server, gateway, { object, hosts }).length > 0)) return [];
    const message = `is "${text}", which ${refText(refOf(gateway))} does not serve; its hosts are ${patterns}`;
    return [
      { severity: "warning", code: codes.hostNotOnGateway, object: refOf(object), path: ["spec", "hosts", i], message },
    ];
  });
}

/** Hosts of the mesh that an earlier VirtualService has, where both are visible in one namespace. */
function conflicts({ virtualServices, settings }: Mesh): Problem[] {
  const earlier = new Map<string, VirtualServiceObject[]>();
  return virtualServices.flatMap((object) => {
    const { meta, spec } = object;
    if (!spec.gateways.includes(meshGateway)) return [];
    return spec.hosts.flatMap((text, i) => {
      const host = resolveHost(text, meta.namespace, settings.domain);
      const known = earlier.get(host) ?? [];
      earlier.set(host, [...known, object]);
      const other = known.find((one) => one !== object && meet(one, object));
      if (!other) return [];
      const path: Path = ["spec", "hosts", i];
      const message = `is "${text}", a host that ${refText(refOf(other))} defines too for gateway mesh; merge them into one`;
      return [
        { severity: "error", code: codes.conflictingHosts, object: refOf(object), path, message } satisfies Problem,
      ];
    });
  });
}

function meet(a: VirtualServiceObject, b: VirtualServiceObject): boolean {
  const namespaces = ({ meta, spec }: VirtualServiceObject): readonly string[] =>
    spec.exportTo.length === 0 ? ["*"] : spec.exportTo.map((to) => (to === "." ? meta.namespace : to));
  const [one, other] = [namespaces(a), namespaces(b)];
  return one.includes("*") || other.includes("*") || one.some((namespace) => other.includes(namespace));
}
