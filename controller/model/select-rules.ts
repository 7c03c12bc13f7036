// Which DestinationRules concern a proxy's calls of a service. Pure; see select.ts.

import type { DestinationRule } from "./destination-rule.ts";
import { bySpecificity, covers, isWildcard } from "./host.ts";
import { memo } from "./memo.ts";
import type { MeshService, Routing } from "./mesh.ts";
import { resolveHost } from "./names.ts";
import { type MeshObject, matches } from "./object.ts";
import type { Proxy } from "./proxy.ts";
import { isExported } from "./visibility.ts";

/** What the DestinationRules for one host say together. */
export interface BoundDestinationRule {
  readonly spec: DestinationRule;
  /** The objects that it was merged from, the one that decides first. */
  readonly from: readonly MeshObject<"DestinationRule">[];
}

/**
 * The rule for a service as one proxy sees it: of the proxy's namespace, else of the service's, else of the root
 * namespace; there the most specific host. Several rules for that host are merged: the first traffic policy counts,
 * subsets are added by name; rules whose workloadSelector fits come first.
 */
export function destinationRuleFor(
  mesh: Routing,
  proxy: Proxy,
  service: MeshService,
): BoundDestinationRule | undefined {
  const { exact, wildcards } = rulesByHost(mesh);
  const covering = wildcards.filter(({ host }) => covers(host, service.host));
  const candidates = [...(exact.get(service.host) ?? []), ...covering].filter(({ object }) => appliesTo(object, proxy));
  for (const namespace of new Set([proxy.namespace, service.ref.namespace, mesh.settings.rootNamespace])) {
    const there = candidates.filter(({ object }) => object.meta.namespace === namespace);
    const best = there.map(({ host }) => host).toSorted(bySpecificity)[0];
    if (best !== undefined) return merge(there.filter(({ host }) => host === best).map(({ object }) => object));
  }
  return undefined;
}

interface HostRule {
  readonly object: MeshObject<"DestinationRule">;
  /** In full. */
  readonly host: string;
}

interface HostRules {
  readonly exact: ReadonlyMap<string, readonly HostRule[]>;
  readonly wildcards: readonly HostRule[];
}

const byHost = memo<Routing["destinationRules"], HostRules>();

/** Each list in order of precedence. */
function rulesByHost({ destinationRules, settings }: Routing): HostRules {
  return byHost(destinationRules, settings.domain, () => {
    const all = destinationRules.map((object) => ({
      object,
      host: resolveHost(object.spec.host, object.meta.namespace, settings.domain),
    }));
    return {
      exact: Map.groupBy(
        all.filter(({ host }) => !isWildcard(host)),
        ({ host }) => host,
      ),
      wildcards: all.filter(({ host }) => isWildcard(host)),
    };
  });
}

function appliesTo({ meta, spec }: MeshObject<"DestinationRule">, proxy: Proxy): boolean {
  if (spec.workloadSelector === undefined)
    return isExported(spec.exportTo, { from: meta.namespace, to: proxy.namespace });
  return meta.namespace === proxy.namespace && matches(spec.workloadSelector, proxy.labels);
}

function merge(rules: readonly MeshObject<"DestinationRule">[]): BoundDestinationRule | undefined {
  const unselective = ({ spec }: MeshObject<"DestinationRule">): number => Number(spec.workloadSelector === undefined);
  const [first, ...others] = rules.toSorted((a, b) => unselective(a) - unselective(b));
  if (!first) return undefined;
  const all = [first, ...others].map(({ spec }) => spec);
  const subsets = all.flatMap((spec) => spec.subsets);
  const spec: DestinationRule = {
    ...first.spec,
    trafficPolicy: all.find(({ trafficPolicy }) => Object.keys(trafficPolicy).length > 0)?.trafficPolicy ?? {},
    subsets: subsets.filter(({ name }, i) => subsets.findIndex((other) => other.name === name) === i),
  };
  return { spec, from: [first, ...others] };
}
