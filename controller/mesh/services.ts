import { codes } from "../model/codes.ts";
import { memo } from "../model/memo.ts";
import type { Endpoint, Mesh, MeshService } from "../model/mesh.ts";
import { serviceHost } from "../model/names.ts";
import { type AnyObject, type MeshObject, refOf, refText } from "../model/object.ts";
import type { Path, Problem } from "../model/problem.ts";
import { type Authentication, endpointOf, entryWorkload, type Workload, Workloads } from "./workloads.ts";

/**
 * The services of a mesh by host, with their endpoints: Kubernetes' Services, then the hosts of ServiceEntries. A host
 * that is defined twice belongs to the first. A service or a list of endpoints is the same value as in an earlier call
 * where the objects are that it is made of.
 *
 * @param objects in order of precedence
 */
export function servicesOf(
  objects: readonly AnyObject[],
  authentication: Authentication,
): Pick<Mesh, "services" | "endpoints"> & { readonly problems: readonly Problem[] } {
  const context = { workloads: new Workloads(objects), authentication };
  const services = new Map<string, MeshService>();
  const endpoints = new Map<string, readonly Endpoint[]>();
  const problems: Problem[] = [];
  const add = (one: Served, path: Path): void => {
    const { host } = one.service;
    const known = services.get(host);
    if (known) problems.push(duplicate(one.service, known, path));
    else {
      services.set(host, one.service);
      endpoints.set(host, one.endpoints);
    }
  };
  for (const object of objects) if (object.kind === "Service") add(fromService(object, context), []);
  for (const object of objects)
    if (object.kind === "ServiceEntry")
      for (const [i, host] of object.spec.hosts.entries()) add(fromEntry(object, host, context), ["spec", "hosts", i]);
  return { services, endpoints, problems };
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

interface Served {
  readonly service: MeshService;
  readonly endpoints: readonly Endpoint[];
}

const services = memo<MeshObject, MeshService>();
const endpointLists = memo<MeshObject, readonly Endpoint[]>();

interface Parts {
  readonly host: string;
  readonly make: () => MeshService;
  /** What the service is made of. */
  readonly leadsTo: readonly Workload[];
  /** They are served whether or not they are ready. Default false. */
  readonly areAllReady?: boolean;
}

function served(
  object: MeshObject<"Service" | "ServiceEntry">,
  authentication: Authentication,
  { host, make, leadsTo, areAllReady = false }: Parts,
): Served {
  const { ports } = object.spec;
  const { settings, peerAuthentications } = authentication;
  const list = (): readonly Endpoint[] =>
    leadsTo.flatMap((workload) =>
      endpointOf(areAllReady ? { ...workload, ready: true } : workload, ports, authentication),
    );
  return {
    service: services(object, host, make),
    endpoints: endpointLists(object, host, list, [settings, ...peerAuthentications, ...leadsTo]),
  };
}

function fromService(object: MeshObject<"Service">, { workloads, authentication }: Context): Served {
  const { meta, spec } = object;
  const { selector = {} } = spec;
  const selectsPods = Object.keys(selector).length > 0; // an empty one selects none, unlike everywhere else
  const leadsTo = selectsPods
    ? workloads.select(meta.namespace, selector)
    : workloads.behind(meta.namespace, meta.name);
  // EndpointSlices of others' making say themselves who is ready
  const areAllReady = selectsPods && spec.publishNotReadyAddresses === true;
  const host = serviceHost(meta.name, meta.namespace, authentication.settings.domain);
  const make = (): MeshService => ({
    host,
    ref: refOf(object),
    ports: spec.ports,
    addresses: spec.clusterIP === undefined ? [] : [spec.clusterIP],
    resolution: "STATIC",
    external: false,
    exportTo: [],
  });
  return served(object, authentication, { host, make, leadsTo, areAllReady });
}

function fromEntry(object: MeshObject<"ServiceEntry">, host: string, { workloads, authentication }: Context): Served {
  const { meta, spec } = object;
  const make = (): MeshService => ({
    host,
    ref: refOf(object),
    ports: spec.ports,
    addresses: spec.addresses,
    resolution: spec.resolution === "DNS_ROUND_ROBIN" ? "DNS" : spec.resolution,
    external: spec.location === "MESH_EXTERNAL",
    exportTo: spec.exportTo.includes("*") ? [] : spec.exportTo.map((to) => (to === "." ? meta.namespace : to)),
  });
  const selected = spec.workloadSelector && workloads.select(meta.namespace, spec.workloadSelector);
  const leadsTo = spec.resolution === "NONE" ? [] : (selected ?? entryWorkloads(object, host));
  return served(object, authentication, { host, make, leadsTo });
}

const entryLists = memo<MeshObject, readonly Workload[]>();

/** The endpoints that stand in an entry; the host itself where DNS knows them. */
function entryWorkloads(object: MeshObject<"ServiceEntry">, host: string): readonly Workload[] {
  const { meta, spec } = object;
  return entryLists(object, host, () => {
    const isDns = spec.resolution === "DNS" || spec.resolution === "DNS_ROUND_ROBIN";
    const itself = { address: host, ports: {}, labels: {}, serviceAccount: "", weight: 1 };
    const endpoints = isDns && spec.endpoints.length === 0 ? [itself] : spec.endpoints;
    return endpoints.map((entry) => entryWorkload(entry, meta));
  });
}
