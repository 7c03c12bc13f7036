import type { Resource, Snapshot, XdsType } from "../model/resource.ts";

/** Endpoints with the version they have for the latest cluster seen; made once for all proxies. */
const bound = new WeakMap<Resource, { readonly cluster: Resource; readonly resource: Resource }>();

/** A resource as a proxy should have it now; `undefined` where there is none. */
export function current(type: XdsType, name: string, snapshot: Snapshot): Resource | undefined {
  const resource = snapshot[type].get(name);
  return resource !== undefined && type === "EDS" ? withCluster(resource, snapshot) : resource;
}

/**
 * Endpoints whose version says for which version of their cluster they were sent: `<endpoints>-<cluster>`.
 *
 * A changed cluster warms until its endpoints come, also unchanged ones. Were the stream to break in between, a proxy
 * would report both as what it has, and warm for ever. So endpoints of a changed cluster are another version to it.
 */
export function withCluster(endpoints: Resource, snapshot: Snapshot): Resource {
  const cluster = snapshot.CDS.get(endpoints.name);
  if (cluster === undefined) return endpoints;
  const known = bound.get(endpoints);
  if (known?.cluster === cluster) return known.resource;
  const resource = { ...endpoints, version: `${endpoints.version}-${cluster.version}` };
  bound.set(endpoints, { cluster, resource });
  return resource;
}
