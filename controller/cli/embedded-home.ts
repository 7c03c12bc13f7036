import { matches } from "../model/object.ts";
import type { CliDeps, RunningMesh, RunningPod } from "./deps.ts";
import type { Home, Pod } from "./home.ts";
import type { SelectingKind } from "./selecting-kinds.ts";

/** The meshes that `sluice up` runs on this machine: admins on unix sockets, controllers on 127.0.0.1. */
export function embeddedHome(meshes: readonly RunningMesh[], http: CliDeps["http"]): Home {
  const podsOf = ({ dir, pods }: RunningMesh, isMeant: (pod: RunningPod) => boolean): readonly Pod[] =>
    pods.filter(isMeant).map(({ name, namespace, workload, ready, ip, adminSocket }): Pod => {
      const admin: Pod["admin"] = (request, port) =>
        http(port === undefined ? { socket: adminSocket } : { host: ip, port }, request);
      return { name, namespace, workload, ready, hasProxy: true, ...(meshes.length > 1 && { mesh: dir }), admin };
    });
  const controllers = meshes.map(({ dir, monitoringPort: port }) => ({
    name: `controller of ${dir}`,
    page: (path: string) => http({ host: "127.0.0.1", port }, { path }),
  }));
  const isIn =
    (namespace: string | undefined) =>
    (one: { readonly namespace: string }): boolean =>
      namespace === undefined || one.namespace === namespace;
  return {
    pods: async (namespace) => meshes.flatMap((mesh) => podsOf(mesh, isIn(namespace))),
    async selected({ kind, name }, namespace) {
      const found = meshes.map((mesh) => ({
        mesh,
        selectors: selectorsOf(mesh, kind).filter((one) => one.name === name && isIn(namespace)(one)),
      }));
      if (found.every(({ selectors }) => selectors.length === 0)) return undefined;
      return found.flatMap(({ mesh, selectors }) => podsOf(mesh, (pod) => selectors.some((one) => one.selects(pod))));
    },
    objects: async () => [],
    place: (namespace) => (namespace === undefined ? "on this machine" : `in namespace ${namespace} on this machine`),
    controllers: async () => controllers,
  };
}

interface Selector {
  readonly name: string;
  readonly namespace: string;
  readonly selects: (pod: RunningPod) => boolean;
}

/** Of the kinds that a machine has: a Deployment is known by its pods, and other workloads there are none. */
function selectorsOf({ pods, services }: RunningMesh, kind: SelectingKind): readonly Selector[] {
  if (kind === "Service")
    return services.map(({ name, namespace, selector }) => ({
      ...{ name, namespace },
      selects: (pod) =>
        pod.namespace === namespace && Object.keys(selector).length > 0 && matches(selector, pod.labels),
    }));
  if (kind !== "Deployment") return [];
  return pods.map(({ workload: name, namespace }) => ({
    ...{ name, namespace },
    selects: (pod) => pod.namespace === namespace && pod.workload === name,
  }));
}
