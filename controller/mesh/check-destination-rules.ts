import { codes } from "../model/codes.ts";
import { covers } from "../model/host.ts";
import type { Mesh, MeshService } from "../model/mesh.ts";
import { resolveHost } from "../model/names.ts";
import { type AnyObject, type Labels, type MeshObject, matches, refOf } from "../model/object.ts";
import type { Problem } from "../model/problem.ts";

/** DestinationRules for hosts that don't exist, and subsets that no pod belongs to. */
export function checkDestinationRules(mesh: Mesh, objects: readonly AnyObject[]): readonly Problem[] {
  return mesh.destinationRules.flatMap((object) => {
    const { meta, spec } = object;
    const host = resolveHost(spec.host, meta.namespace, mesh.settings.domain);
    const services = [...mesh.services.values()].filter((service) => covers(host, service.host));
    if (services.length === 0) {
      const message = `is "${spec.host}": no Service or ServiceEntry has the host ${host}`;
      const path = ["spec", "host"];
      return [
        { severity: "warning", code: codes.unknownRuleHost, object: refOf(object), path, message } satisfies Problem,
      ];
    }
    return emptySubsets(
      object,
      services.flatMap((service) => labelsOf(service, mesh.endpoints, objects)),
    );
  });
}

/** @param present labels of all that the host leads to; nothing is said while nothing is there */
function emptySubsets(object: MeshObject<"DestinationRule">, present: readonly Labels[]): Problem[] {
  if (present.length === 0) return [];
  return object.spec.subsets.flatMap(({ name, labels }, i) => {
    if (present.some((own) => matches(labels, own))) return [];
    const wanted = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
    const message = `is "${name}", which selects no pods: requests to it get 503; none of ${object.spec.host} has ${wanted.join(", ")}`;
    const path = ["spec", "subsets", i, "name"];
    return [{ severity: "warning", code: codes.subsetWithoutPods, object: refOf(object), path, message }];
  });
}

/** Of the endpoints, and of the Deployments whose pods are not there yet. */
function labelsOf(
  { host, ref }: MeshService,
  endpoints: Mesh["endpoints"],
  objects: readonly AnyObject[],
): readonly Labels[] {
  const service = objects.find(
    (one) => one.kind === "Service" && one.meta.name === ref.name && one.meta.namespace === ref.namespace,
  );
  const selector = service?.kind === "Service" && ref.kind === "Service" ? service.spec.selector : undefined;
  const coming = objects
    .filter((object) => object.kind === "Deployment")
    .filter(({ meta }) => meta.namespace === ref.namespace)
    .map(({ spec }) => spec.template.labels)
    .filter((labels) => selector !== undefined && matches(selector, labels));
  return [...(endpoints.get(host) ?? []).map(({ labels }) => labels), ...coming];
}
