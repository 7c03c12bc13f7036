import type { V1Container, V1EnvVar, V1Pod } from "@kubernetes/client-node";
import { expand } from "./expand.ts";
import { configValue, configValues, type Objects } from "./objects.ts";
import { type Placement, podField, resourceField } from "./pod-fields.ts";

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * A container's whole environment, in order: the runtime's own, `envFrom`, `env`, whose values may name those before them.
 *
 * @throws where a ConfigMap, a Secret or a key is missing that is not optional
 */
export function environmentOf(
  pod: V1Pod,
  container: V1Container,
  { objects, placement }: { objects: Objects; placement: Placement },
): ReadonlyMap<string, string> {
  const namespace = pod.metadata?.namespace ?? "";
  const kubernetes = objects.services.find("default/kubernetes");
  if (!kubernetes) throw new Error("there is no Service default/kubernetes");
  const env = new Map([
    ["PATH", path],
    ["HOSTNAME", pod.metadata?.name ?? ""],
    ["KUBERNETES_SERVICE_HOST", kubernetes.spec?.clusterIP ?? ""],
    ["KUBERNETES_SERVICE_PORT", "443"],
  ]);
  for (const { prefix = "", configMapRef, secretRef } of container.envFrom ?? []) {
    const ref = configMapRef ?? secretRef;
    const kind = configMapRef ? "ConfigMap" : "Secret";
    const values = configValues(objects, kind, `${namespace}/${ref?.name}`);
    if (!values && ref?.optional !== true) throw new Error(`there is no ${kind} ${namespace}/${ref?.name}`);
    for (const [key, value] of values ?? []) env.set(`${prefix}${key}`, value.toString());
  }
  for (const variable of container.env ?? []) {
    const value = resolved(variable, { pod, container, objects, placement, env });
    if (value !== undefined) env.set(variable.name, value);
  }
  return env;
}

function resolved(
  { name, value, valueFrom }: V1EnvVar,
  {
    pod,
    container,
    objects,
    placement,
    env,
  }: {
    pod: V1Pod;
    container: V1Container;
    objects: Objects;
    placement: Placement;
    env: ReadonlyMap<string, string>;
  },
): string | undefined {
  if (!valueFrom) return expand(value ?? "", env);
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  if (fieldRef) return podField(pod, fieldRef.fieldPath, placement);
  if (resourceFieldRef) {
    const of = pod.spec?.containers.find((one) => one.name === resourceFieldRef.containerName) ?? container;
    return resourceField(of, resourceFieldRef.resource, resourceFieldRef.divisor);
  }
  const ref = configMapKeyRef ?? secretKeyRef;
  if (!ref) throw new Error(`env ${name}: the pod runner does not know this valueFrom`);
  const kind = configMapKeyRef ? "ConfigMap" : "Secret";
  const found = configValue(objects, kind, `${pod.metadata?.namespace}/${ref.name}`, ref.key);
  if (!found && ref.optional !== true)
    throw new Error(`env ${name}: there is no key ${ref.key} in ${kind} ${pod.metadata?.namespace}/${ref.name}`);
  return found?.toString();
}
