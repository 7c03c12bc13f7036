import { type Resource, type Snapshot, typeUrls, type XdsType } from "../model/resource.ts";

/** By type and name; the first of several resources of one name counts. */
export function snapshot(resources: readonly Resource[]): Snapshot {
  const byType = Object.fromEntries(Object.keys(typeUrls).map((type) => [type, new Map<string, Resource>()])) as Record<
    XdsType,
    Map<string, Resource>
  >;
  for (const resource of resources) {
    const known = byType[resource.type];
    if (!known.has(resource.name)) known.set(resource.name, resource);
  }
  return byType;
}

/** Both, of two resources of one name the first's. What only one of them has is not copied. */
export function merge(first: Snapshot, second: Snapshot): Snapshot {
  const types = Object.keys(typeUrls) as XdsType[];
  return Object.fromEntries(
    types.map((type) => {
      const [a, b] = [first[type], second[type]];
      if (a.size === 0 || b.size === 0) return [type, a.size === 0 ? b : a];
      const both = new Map(b);
      for (const [name, resource] of a) both.set(name, resource);
      return [type, both];
    }),
  ) as Record<XdsType, ReadonlyMap<string, Resource>>;
}
