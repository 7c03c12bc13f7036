import { memo } from "../model/memo.ts";
import type { Endpoint, Mesh } from "../model/mesh.ts";
import { type AnyObject, type Labels, type MeshObject, matches } from "../model/object.ts";
import { modeOf, mutualTlsModes, takesMutualTls } from "../model/select-authentication.ts";
import type { ServicePort } from "../model/service.ts";
import type { WorkloadEntry } from "../model/workload.ts";

/** Something that serves: a Pod with an address, a WorkloadEntry, or an endpoint of an EndpointSlice. */
export interface Workload extends Omit<Endpoint, "ports" | "mutualTls"> {
  /** Its own port for a service's port; `undefined` where it has none by that name. */
  readonly portFor: (port: ServicePort) => number | undefined;
}

/** All workloads, found by namespace and labels. */
export class Workloads {
  readonly #byNamespace: ReadonlyMap<string, readonly Workload[]>;
  /** Of the label keys that selectors begin with, made as they are asked for: `shop app` -> value -> workloads. */
  readonly #byLabel = new Map<string, ReadonlyMap<string | undefined, readonly Workload[]>>();
  /** By namespace and service: `shop/web`. */
  readonly #slices: ReadonlyMap<string, readonly MeshObject<"EndpointSlice">[]>;

  constructor(objects: readonly AnyObject[]) {
    this.#byNamespace = Map.groupBy(objects.flatMap(workloadOf), ({ namespace }) => namespace);
    const slices = objects.filter((object) => object.kind === "EndpointSlice");
    this.#slices = Map.groupBy(slices, ({ meta, spec }) => `${meta.namespace}/${spec.service}`);
  }

  /** Those of a namespace that have all the labels; an empty selector chooses all. */
  select(namespace: string, selector: Labels): readonly Workload[] {
    const [first] = Object.entries(selector);
    const candidates = first ? this.#labelled(namespace, ...first) : this.#byNamespace.get(namespace);
    return (candidates ?? []).filter(({ labels }) => matches(selector, labels));
  }

  /** Those that EndpointSlices name for a service. */
  behind(namespace: string, service: string): readonly Workload[] {
    return (this.#slices.get(`${namespace}/${service}`) ?? []).flatMap(sliceWorkloads);
  }

  #labelled(namespace: string, key: string, value: string): readonly Workload[] | undefined {
    const name = `${namespace} ${key}`;
    const known = this.#byLabel.get(name);
    if (known) return known.get(value);
    const made = Map.groupBy(this.#byNamespace.get(namespace) ?? [], ({ labels }) => labels[key]);
    this.#byLabel.set(name, made);
    return made.get(value);
  }
}

const known = memo<AnyObject, Workload[]>();

/** The same one as long as the object is the same. */
function workloadOf(object: AnyObject): Workload[] {
  return known(object, "", () => {
    if (object.kind === "Pod") return podWorkload(object);
    return object.kind === "WorkloadEntry" ? [entryWorkload(object.spec, object.meta)] : [];
  });
}

function podWorkload({ meta, spec }: MeshObject<"Pod">): Workload[] {
  if (spec.ip === undefined) return [];
  const portFor = ({ targetPort }: ServicePort): number | undefined =>
    typeof targetPort === "number" ? targetPort : spec.ports.find(({ name }) => name === targetPort)?.containerPort;
  return [
    {
      address: spec.ip,
      labels: meta.labels,
      namespace: meta.namespace,
      workload: spec.workload,
      serviceAccount: spec.serviceAccount,
      weight: 1,
      ready: spec.ready,
      portFor,
    },
  ];
}

const inSlices = memo<AnyObject, Workload[]>();

/** The same ones as long as the object is the same. Nothing is known of who they are. */
function sliceWorkloads(slice: MeshObject<"EndpointSlice">): Workload[] {
  const { meta, spec } = slice;
  const portFor = (port: ServicePort): number | undefined => spec.ports.find(({ name }) => name === port.name)?.number;
  return inSlices(slice, "", () =>
    spec.endpoints.map(({ address, ready }) => ({
      address,
      labels: {},
      namespace: meta.namespace,
      workload: spec.service,
      serviceAccount: "",
      weight: 1,
      ready,
      portFor,
    })),
  );
}

/** @param meta of a WorkloadEntry, or of the ServiceEntry in which it stands */
export function entryWorkload(
  { address, ports, labels, serviceAccount, locality, weight }: WorkloadEntry,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Workload {
  const portFor = ({ name: portName, number, targetPort }: ServicePort): number =>
    ports[portName] ?? (typeof targetPort === "number" ? targetPort : (ports[targetPort] ?? number));
  return {
    address,
    labels,
    namespace,
    workload: name,
    serviceAccount,
    ...(locality !== undefined && { locality }),
    weight,
    ready: true,
    portFor,
  };
}

/** Who takes mutual TLS. */
export type Authentication = Pick<Mesh, "settings" | "peerAuthentications">;

/** The workload as an endpoint of a service with these ports; none where it has none of them. */
export function endpointOf(
  { portFor, ...rest }: Workload,
  ports: readonly ServicePort[],
  authentication: Authentication,
): Endpoint[] {
  const own = ports.flatMap((port) => {
    const number = portFor(port);
    return number === undefined ? [] : [[port.number, number] as const];
  });
  if (own.length === 0) return [];
  const mutualTls = new Set(
    mutualTlsPorts(
      rest,
      own.map(([, number]) => number),
      authentication,
    ),
  );
  return [{ ...rest, ports: new Map(own), mutualTls }];
}

function mutualTlsPorts(
  workload: Pick<Workload, "namespace" | "labels">,
  ports: readonly number[],
  authentication: Authentication,
): readonly number[] {
  if (!takesMutualTls(workload.labels)) return [];
  const modes = mutualTlsModes(authentication, workload);
  return ports.filter((port) => modeOf(modes, port) !== "DISABLE");
}

/** Labels and namespaces of all that runs or is to run, for checking selectors. */
export function labelledWorkloads(objects: readonly AnyObject[]): readonly { namespace: string; labels: Labels }[] {
  return objects.flatMap(({ kind, meta, spec }) => {
    if (kind === "Pod") return [{ namespace: meta.namespace, labels: meta.labels }];
    if (kind === "WorkloadEntry") return [{ namespace: meta.namespace, labels: spec.labels }];
    return kind === "Deployment" ? [{ namespace: meta.namespace, labels: spec.template.labels }] : [];
  });
}
