import { codes } from "../model/codes.ts";
import { covers } from "../model/host.ts";
import type { Mesh, MeshService } from "../model/mesh.ts";
import { resolveHost } from "../model/names.ts";
import { nearest } from "../model/nearest.ts";
import { type MeshObject, refOf } from "../model/object.ts";
import type { Path, Problem } from "../model/problem.ts";
import type { Destination, HttpMatch, HttpRoute } from "../model/virtual-service.ts";
import { isExported } from "../model/visibility.ts";

type VirtualServiceObject = MeshObject<"VirtualService">;
type Found = Pick<Problem, "severity" | "code" | "message"> & { readonly path: Path };

/** Where routes lead: hosts, subsets and ports that don't exist, and rules that are never reached. */
export function checkRoutes(mesh: Mesh): readonly Problem[] {
  return mesh.virtualServices.flatMap((object) => {
    const found = [
      ...unreachable(object.spec.http),
      ...object.spec.http.flatMap((route, i) => destinations(route, i, { object, mesh })),
    ];
    return found.map((one) => ({ ...one, object: refOf(object) }));
  });
}

interface Context {
  readonly object: VirtualServiceObject;
  readonly mesh: Mesh;
}

function destinations({ route }: HttpRoute, index: number, context: Context): Found[] {
  return route.flatMap(({ destination }, j) => {
    const path = ["spec", "http", index, "route", j, "destination"];
    const service = serviceOf(destination.host, context);
    if (!service) return [hostNotFound(destination, path, context)];
    return [...portProblems(destination, service, path), ...subsetProblems(destination, service, { ...context, path })];
  });
}

function serviceOf(host: string, { object, mesh }: Context): MeshService | undefined {
  const full = resolveHost(host, object.meta.namespace, mesh.settings.domain);
  const isVisible = ({ ref, exportTo }: MeshService): boolean =>
    isExported(exportTo, { from: ref.namespace, to: object.meta.namespace });
  const exact = mesh.services.get(full);
  if (exact) return isVisible(exact) ? exact : undefined;
  return [...mesh.services.values()].find((service) => covers(service.host, full) && isVisible(service));
}

function hostNotFound({ host }: Destination, path: Path, { object, mesh }: Context): Found {
  const { namespace } = object.meta;
  const full = resolveHost(host, namespace, mesh.settings.domain);
  const near = [...mesh.services.values()]
    .filter(({ ref }) => ref.kind === "Service" && ref.namespace === namespace)
    .map(({ ref }) => ref.name);
  const likely = nearest(host, near) ?? nearest(full, [...mesh.services.keys()]);
  const hint = likely ? `; did you mean "${likely}"?` : "";
  const what = full === host ? "" : `: there is no Service or ServiceEntry for ${full}`;
  return {
    severity: "error",
    code: codes.notFound,
    path: [...path, "host"],
    message: `is "${host}": Referenced host not found: "${host}"${what}${hint}`,
  };
}

function portProblems({ host, port }: Destination, { ports }: MeshService, path: Path): Found[] {
  const numbers = ports.map(({ number }) => number);
  if (port === undefined && numbers.length > 1) {
    const message = `is missing: ${host} has the ports ${numbers.join(", ")}, and one must be chosen`;
    return [{ severity: "error", code: codes.portRequired, path: [...path, "port"], message }];
  }
  if (port === undefined || numbers.includes(port)) return [];
  const message = `is ${port}: Referenced host:port not found: "${host}:${port}"; its ports are ${numbers.join(", ")}`;
  return [{ severity: "error", code: codes.notFound, path: [...path, "port", "number"], message }];
}

function subsetProblems(
  { host, subset }: Destination,
  service: MeshService,
  { object, mesh, path }: Context & { readonly path: Path },
): Found[] {
  if (subset === undefined) return [];
  const names = mesh.destinationRules
    .filter(({ meta, spec }) => covers(resolveHost(spec.host, meta.namespace, mesh.settings.domain), service.host))
    .filter(({ meta, spec }) => isExported(spec.exportTo, { from: meta.namespace, to: object.meta.namespace }))
    .flatMap(({ spec }) => spec.subsets.map(({ name }) => name));
  if (names.includes(subset)) return [];
  const known =
    names.length > 0
      ? `; the subsets are ${[...new Set(names)].join(", ")}`
      : "; no DestinationRule has subsets for it";
  const message = `is "${subset}": Referenced host+subset in destinationrule not found: "${host}+${subset}"${known}`;
  return [{ severity: "error", code: codes.notFound, path: [...path, "subset"], message }];
}

/** Rules behind one that matches everything, and rules whose matches all stand in earlier ones. */
function unreachable(routes: readonly HttpRoute[]): Found[] {
  const seen = new Set<string>();
  let last: number | undefined;
  return routes.flatMap(({ match }, i) => {
    const path = ["spec", "http", i];
    const unused = (reason: string): Found => ({
      severity: "warning",
      code: codes.unreachableRule,
      path,
      message: `is never reached: ${reason}`,
    });
    if (last !== undefined) return [unused(`spec.http[${last}] matches everything`)];
    if (match.length === 0 || match.some(isEverything)) last = i;
    const keys = match.map(keyOf);
    const isRepeated = keys.length > 0 && keys.every((key) => seen.has(key));
    for (const key of keys) seen.add(key);
    return isRepeated ? [unused("its matches stand in earlier rules")] : [];
  });
}

function keyOf({ name: _, ...match }: HttpMatch): string {
  return JSON.stringify(match);
}

function isEverything({ name: _, uri, ignoreUriCase: __, ...rest }: HttpMatch): boolean {
  const uriIsOpen = uri === undefined || ("prefix" in uri && (uri.prefix === "" || uri.prefix === "/"));
  const isSet = (value: unknown): boolean =>
    typeof value === "object" && value !== null ? Object.keys(value).length > 0 : value !== undefined;
  return uriIsOpen && !Object.values(rest).some(isSet);
}
