import type { Resource, Snapshot, XdsType } from "../model/resource.ts";
import { current, withCluster } from "./current.ts";

/** What one proxy should have now. */
export interface Target {
  readonly snapshot: Snapshot;
  /**
   * Names that cannot be computed at the moment, such as the cluster of an object that does not parse and has no last
   * good version because the controller was restarted. A proxy that has a version of such a resource, from whenever,
   * keeps it: it is neither changed nor removed. A proxy that has none gets what `snapshot` holds for the name.
   */
  readonly keep?: { readonly [T in XdsType]?: ReadonlySet<string> };
}

/** Types of which Envoy ignores removals, and waits for every name it asked for. */
export type NamedType = DeniableType | "SDS";

/** Named types of which something can be sent that stands for a name that does not exist. */
export type DeniableType = "EDS" | "RDS" | "ECDS";

/**
 * What to answer for a name that does not exist: a ClusterLoadAssignment without endpoints, a route configuration or
 * a filter that denies every request. By content, like every resource: the same name gives the same version.
 */
export type Deny = (type: DeniableType, name: string) => Resource;

/** One type on one stream, as far as the difference to a target depends on it. */
export interface Holding {
  /** Everything of the type is wanted. */
  readonly wildcard: boolean;
  /** Names subscribed one by one. */
  readonly names: ReadonlySet<string>;
  /** Names that are owed an answer whatever the proxy has: fresh subscriptions, endpoints of a changed cluster. */
  readonly asked: ReadonlySet<string>;
  /** Last version sent to the proxy, or reported by it when it connected. Only of names that are wanted. */
  readonly has: ReadonlyMap<string, { readonly version: string }>;
}

export interface Delta {
  /** To be sent, sorted by name. */
  readonly resources: readonly Resource[];
  /** To be removed, sorted. Only of clusters and listeners: Envoy ignores removals of the other types, or breaks on them. */
  readonly removed: readonly string[];
}

/**
 * Resources of one type that a proxy must still receive or forget. Pure; both lists empty: nothing to send.
 *
 * A name that vanished from the snapshot is left alone where the type is {@link NamedType}: what refers to it, a
 * listener or a cluster, is on its way out and serves until then. Only endpoints are emptied, and only while their
 * cluster stays.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol, "Incremental xDS"
 */
export function delta(type: XdsType, holding: Holding, target: Target, deny: Deny): Delta {
  const names = new Set([...holding.names, ...holding.asked]);
  if (holding.wildcard) for (const name of target.snapshot[type].keys()) names.add(name);
  const resources: Resource[] = [];
  for (const name of names) {
    const resource = wanted(type, name, { holding, target, deny });
    if (resource === undefined) continue;
    if (holding.asked.has(name) || holding.has.get(name)?.version !== resource.version) resources.push(resource);
  }
  resources.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { resources, removed: isNamed(type) ? [] : removed(type, holding, target) };
}

export function isNamed(type: XdsType): type is NamedType {
  return type === "EDS" || type === "RDS" || type === "ECDS" || type === "SDS";
}

interface Context {
  readonly holding: Holding;
  readonly target: Target;
  readonly deny: Deny;
}

/** `undefined`: leave the proxy with what it has. */
function wanted(type: XdsType, name: string, { holding, target, deny }: Context): Resource | undefined {
  const { snapshot, keep } = target;
  const isAsked = holding.asked.has(name);
  if (keep?.[type]?.has(name) && holding.has.has(name) && !isAsked) return undefined;
  const resource = current(type, name, snapshot);
  if (resource !== undefined || !isNamed(type) || type === "SDS") return resource;
  if (type === "EDS" && snapshot.CDS.has(name)) return withCluster(deny(type, name), snapshot);
  return isAsked ? deny(type, name) : undefined;
}

function removed(type: XdsType, { has, asked }: Holding, { snapshot, keep }: Target): string[] {
  const names = new Set([...has.keys(), ...asked]);
  return [...names].filter((name) => !snapshot[type].has(name) && !keep?.[type]?.has(name)).sort();
}
