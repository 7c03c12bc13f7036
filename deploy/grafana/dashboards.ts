// Grafana dashboards of Istio's standard metrics and of Sluice's filters.
import { mesh } from "./mesh.ts";
import { resilience } from "./resilience.ts";
import { service } from "./service.ts";
import { workload } from "./workload.ts";

/** Files of the folder `dashboards`: name to Grafana's JSON model. */
export const dashboards: ReadonlyMap<string, string> = new Map(
  Object.entries({ mesh, service, workload, resilience }).map(([name, model]) => [
    `${name}.json`,
    `${JSON.stringify(model, null, 2)}\n`,
  ]),
);
