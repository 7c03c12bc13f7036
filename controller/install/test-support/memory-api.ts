import { type KubeObject, pathOf, type ResourceType, type Target, targetOf } from "../../kube/api.ts";
import { KubeError } from "../../kube/kube-error.ts";
import type { InstallApi } from "../install-api.ts";

export interface MemoryApi extends InstallApi {
  /** By path. */
  readonly objects: Map<string, KubeObject>;
}

export interface MemoryApiOptions {
  readonly objects?: readonly KubeObject[];
  /** Default: 1.37. */
  readonly minor?: string;
  /** What the caller may not do: `create customresourcedefinitions`, or `grant clusterroles`: what the caller does not have. */
  readonly forbidden?: readonly string[];
  /** What the server says to an apply instead of doing it. */
  readonly refuse?: (object: KubeObject) => string | undefined;
  /** What is deleted stays. */
  readonly finalized?: boolean;
}

/** An API server that keeps what it is given, without controllers: everything is ready but Deployments and webhooks. */
export function memoryApi(options: MemoryApiOptions = {}): MemoryApi {
  const { objects = [], minor = "37", forbidden = [], refuse, finalized = false } = options;
  const stored = new Map(objects.map((object) => [pathOf(targetOf(object)), object]));
  const established = { conditions: [{ type: "Established", status: "True" }] };
  const allow = (verb: string, { plural }: ResourceType): void => {
    if (!forbidden.includes(`${verb} ${plural}`)) return;
    throw new KubeError(`${plural} is forbidden: eve cannot ${verb}\nand more`, { code: 403, reason: "Forbidden" });
  };
  return {
    objects: stored,
    get: async (target) => {
      allow("get", target);
      return stored.get(pathOf(target));
    },
    list: async (type, { namespace, labelSelector = "" } = {}) => {
      allow("list", type);
      const [key = "", value] = labelSelector.split("=");
      const items = [...stored.values()].filter((object) => {
        const { name: _, namespace: place, ...own } = targetOf(object);
        const isThere = namespace === undefined || place === namespace;
        return isThere && pathOf(own) === pathOf(type) && (key === "" || object.metadata.labels?.[key] === value);
      });
      return { items };
    },
    create: async (_, object) => {
      const { spec } = object as { spec: { resourceAttributes: { verb: string; resource: string } } };
      const { verb, resource } = spec.resourceAttributes;
      return { ...(object as KubeObject), status: { allowed: !forbidden.includes(`${verb} ${resource}`) } };
    },
    apply: async (target, object, { dryRun = false } = {}) => {
      const given = object as KubeObject;
      allow("grant", target);
      const refusal = refuse?.(given);
      if (refusal !== undefined) throw new Error(refusal);
      const status = given.kind === "CustomResourceDefinition" ? { status: established } : {};
      if (!dryRun) stored.set(pathOf(target), { ...given, ...status });
      return given;
    },
    delete: async (target: Target) => (finalized ? stored.has(pathOf(target)) : stored.delete(pathOf(target))),
    request: async (_, path) =>
      discovery(path, [...stored.values()]) ?? { major: "1", minor, gitVersion: `v1.${minor}.0` },
  };
}

/** The kinds of the objects, as the API server names them. */
function discovery(path: string, objects: readonly KubeObject[]): unknown {
  const groupVersions = new Set(objects.map(({ apiVersion }) => apiVersion).filter((one) => one.includes("/")));
  if (path === "/apis")
    return { groups: [...groupVersions].map((groupVersion) => ({ preferredVersion: { groupVersion } })) };
  const [, groupVersion] = /^\/apis?\/(.+)$/.exec(path) ?? [];
  if (groupVersion === undefined) return undefined;
  const resources = objects
    .filter(({ apiVersion }) => apiVersion === groupVersion)
    .map((object) => ({
      name: targetOf(object).plural,
      kind: object.kind,
      namespaced: object.metadata.namespace !== undefined,
      verbs: ["create", "delete", "get", "list"],
    }));
  return { groupVersion, resources: [...new Map(resources.map((one) => [one.name, one])).values()] };
}
