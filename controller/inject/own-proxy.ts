// A container `istio-proxy` that a pod brings is not a proxy: it says what its user wants otherwise of the one that
// injection gives, as Istio's gateway charts do. Its fields are laid over ours as `kubectl patch` would lay them.
import { isMapping } from "../model/raw-object.ts";
import { type Json, textOf } from "./pod.ts";

/** By what the items of a container's lists are told apart; other lists are replaced. Kubernetes' patchMergeKey. */
const itemNames: Readonly<Record<string, string>> = {
  env: "name",
  ports: "containerPort",
  volumeDevices: "devicePath",
  volumeMounts: "mountPath",
};

/** A probe or a hook has one of these: another takes the place of ours. */
const handlers = ["exec", "grpc", "httpGet", "sleep", "tcpSocket"];

/** Without them it would not be the mesh's proxy, or its traffic would be redirected to itself; and our items of two lists. */
const kept = ["command", "args", "securityContext.runAsUser", "securityContext.runAsGroup"];
const isKept = (path: string): boolean => kept.includes(path) || /^(env|volumeMounts)\[/.test(path);

export interface OwnProxy {
  readonly container: Json;
  /** Fields that were asked for and are not overridden. */
  readonly warnings: readonly string[];
}

/**
 * The proxy's container with what the pod's own says of it. `image: auto` is the mesh's image.
 *
 * @see istio/istio pkg/kube/inject/webhook.go, reapplyOverwrittenContainers
 */
export function withOwn(template: Json, own: Json): OwnProxy {
  const refused: string[] = [];
  const container = merge(template, ofUser(own), { path: "", refused });
  const warnings = refused.map((path) => `container ${textOf(template["name"])}: ${path} is the mesh's and stays`);
  return { container, warnings };
}

/** The resources of the proxy with those of the pod's own container. */
export function resourcesWithOwn(resources: Json, own: Json): Json {
  const said = own["resources"];
  return isMapping(said) ? merge(resources, said, { path: "resources", refused: [] }) : resources;
}

/** Without `image: auto`, and without the policy that an API server gives to images that have no tag. */
function ofUser(own: Json): Json {
  const { image, imagePullPolicy, ...rest } = own;
  if (!["", "auto"].includes(textOf(image))) return own;
  return imagePullPolicy === undefined || imagePullPolicy === "Always" ? rest : { ...rest, imagePullPolicy };
}

interface Where {
  /** `lifecycle.preStop`, `env[POD_NAME]` */
  readonly path: string;
  readonly refused: string[];
}

function merge(ours: Json, theirs: Json, { path, refused }: Where): Json {
  const isReplaced = handlers.some((handler) => handler in theirs);
  const base = isReplaced ? Object.entries(ours).filter(([key]) => !handlers.includes(key)) : Object.entries(ours);
  const left = Object.fromEntries(base);
  const said = Object.entries(theirs).map(([key, value]) => {
    const inner = { path: path === "" ? key : `${path}.${key}`, refused };
    return [key, mergeValue(left[key], value, inner)];
  });
  return { ...left, ...Object.fromEntries(said) };
}

function mergeValue(ours: unknown, theirs: unknown, where: Where): unknown {
  if (ours === undefined || theirs === undefined || theirs === null) return ours ?? theirs;
  if (isKept(where.path)) {
    if (JSON.stringify(ours) !== JSON.stringify(theirs)) where.refused.push(where.path);
    return ours;
  }
  if (isMapping(ours) && isMapping(theirs)) return merge(ours, theirs, where);
  const name = itemNames[where.path];
  if (name !== undefined && Array.isArray(ours) && Array.isArray(theirs)) {
    const isOf = (item: unknown) => (other: unknown) =>
      isMapping(item) && isMapping(other) && item[name] === other[name];
    const merged = ours.map((item) => {
      const path = `${where.path}[${item[name]}]`;
      return mergeValue(item, theirs.find(isOf(item)), { ...where, path });
    });
    return [...merged, ...theirs.filter((item) => !ours.some(isOf(item)))];
  }
  return theirs;
}
