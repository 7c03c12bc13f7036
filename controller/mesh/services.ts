import { codes } from "../model/codes.ts";
import { memo } from "../model/memo.ts";
import type { MeshService } from "../model/mesh.ts";
import { serviceHost } from "../model/names.ts";
import { type AnyObject, type MeshObject, refOf, refText } from "../model/object.ts";
import type { Path, Problem } from "../model/problem.ts";
import { type Authentication, endpointOf, entryWorkload, type Workload, Workloads } from "./workloads.ts";

/**
 * The services of a mesh by host: Kubernetes' Services, then the hosts of ServiceEntries. A host that is defined twice
 * belongs to the first. A service whose objects are those of an earlier call is the same value as then.
 *
 * @param objects in order of precedence
 */
export function servicesOf(
  objects: readonly AnyObject[],
  authentication: Authentication,
): { readonly services: ReadonlyMap<string, MeshService>; readonly problems: readonly Problem[] } {
  const context = { workloads: new Workloads(objects), authentication };
  const services = new Map<string, MeshService>();
  const problems: Problem[] = [];
  const add = (service: MeshService, path: Path): void => {
    const known = services.get(service.host);
    if (known) problems.push(duplicate(service, known, path));
    else services.set(service.host, service);
  };
  for (const object of objects) if (object.kind === "Service") add(fromService(object, context), []);
  for (const object of objects)
    if (object.kind === "ServiceEntry")
      for (const [i, host] of object.spec.hosts.entries()) add(fromEntry(object, host, context), ["spec", "hosts", i]);
  return { services, problems };
}

function duplicate(service: MeshService, known: MeshService, path: Path): Problem {
  return {
    severity: "warning",
    code: codes.duplicateHost,
    object: service.ref,
    path,
    message: `is "${service.host}", a host that ${refText(known.ref)} has already: that one counts`,
  };
}

interface Context {
  readonly workloads: Workloads;
  readonly authentication: Authentication;
}

const known = memo<MeshObject, MeshService>();

/** @param leadsTo the workloads that the service is made of */
function kept(
  object: MeshObject,
  { settings, peerAuthentications }: Authentication,
  { host, leadsTo, make }: { host: string; leadsTo: readonly Workload[]; make: () => MeshService },
): MeshService {
  return known(object, host, make, [settings, ...peerAuthentications, ...leadsTo]);
}

function fromService(object: MeshObject<"Service">, { workloads, authentication }: Context): MeshService {
  const { meta, spec } = object;
  const { selector = {} } = spec; // an empty one selects no pods, unlike everywhere else
  const selected =
    Object.keys(selector).length > 0
      ? workloads.select(meta.namespace, selector)
      : workloads.behind(meta.namespace, meta.name);
  const host = serviceHost(meta.name, meta.namespace, authentication.settings.domain);
  const make = (): MeshService => ({
    host,
    ref: refOf(object),
    ports: spec.ports,
    addresses: spec.clusterIP === undefined ? [] : [spec.clusterIP],
    resolution: "STATIC",
    external: false,
    exportTo: [],
    endpoints: selected.flatMap((workload) => endpointOf(workload, spec.ports, authentication)),
  });
  return kept(object, authentication, { host, leadsTo: selected, make });
}

function fromEntry(
  object: MeshObject<"ServiceEntry">,
  host: string,
  { workloads, authentication }: Context,
): MeshService {
  const { meta, spec } = object;
  const isDns = spec.resolution === "DNS" || spec.resolution === "DNS_ROUND_ROBIN";
  const selected = spec.workloadSelector && workloads.select(meta.namespace, spec.workloadSelector);
  const own = selected ?? spec.endpoints.map((entry) => entryWorkload(entry, meta));
  const itself = entryWorkload({ address: host, ports: {}, labels: {}, serviceAccount: "", weight: 1 }, meta);
  const leadsTo = isDns && own.length === 0 && !spec.workloadSelector ? [itself] : own;
  const make = (): MeshService => ({
    host,
    ref: refOf(object),
    ports: spec.ports,
    addresses: spec.addresses,
    resolution: spec.resolution === "DNS_ROUND_ROBIN" ? "DNS" : spec.resolution,
    external: spec.location === "MESH_EXTERNAL",
    exportTo: spec.exportTo.includes("*") ? [] : spec.exportTo.map((to) => (to === "." ? meta.namespace : to)),
    endpoints:
      spec.resolution === "NONE" ? [] : leadsTo.flatMap((workload) => endpointOf(workload, spec.ports, authentication)),
  });
  return kept(object, authentication, { host, leadsTo: selected ?? [], make });
}
