import type { Mesh } from "../model/mesh.ts";
import type { Problem } from "../model/problem.ts";
import type { Proxy } from "../model/proxy.ts";
import type { Resource, Snapshot } from "../model/resource.ts";

export interface Translation {
  readonly resources: Snapshot;
  /** In no particular order; the same for every proxy that an object concerns alike. */
  readonly problems: readonly Problem[];
}

/**
 * All that a proxy should have in a state of the mesh. Pure: equal content gives equal bytes and versions, in every
 * process. A listener's bytes depend only on where it listens and what it speaks; routes, endpoints and plugins vary
 * in RDS, EDS and ECDS, since a changed listener drains its connections.
 */
export function translate(_mesh: Mesh, _proxy: Proxy): Translation {
  const none: ReadonlyMap<string, Resource> = new Map();
  return { resources: { CDS: none, LDS: none, EDS: none, RDS: none, ECDS: none }, problems: [] };
}
