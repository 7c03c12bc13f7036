import type { CliDeps, RunningMesh } from "./deps.ts";
import type { Home, Pod } from "./home.ts";

/** The meshes that `sluice up` runs on this machine: admins on unix sockets, controllers on 127.0.0.1. */
export function embeddedHome(meshes: readonly RunningMesh[], http: CliDeps["http"]): Home {
  const pods = meshes.flatMap(({ dir, pods: running }) =>
    running.map(({ name, namespace, workload, ready, ip, adminSocket }): Pod => {
      const admin: Pod["admin"] = (request, port) =>
        http(port === undefined ? { socket: adminSocket } : { host: ip, port }, request);
      return { name, namespace, workload, ready, ...(meshes.length > 1 && { mesh: dir }), admin };
    }),
  );
  const controllers = meshes.map(({ dir, monitoringPort: port }) => ({
    name: `controller of ${dir}`,
    page: (path: string) => http({ host: "127.0.0.1", port }, { path }),
  }));
  return {
    pods: async (namespace) => pods.filter((pod) => namespace === undefined || pod.namespace === namespace),
    objects: async () => [],
    place: (namespace) => (namespace === undefined ? "on this machine" : `in namespace ${namespace} on this machine`),
    controllers: async () => controllers,
  };
}
