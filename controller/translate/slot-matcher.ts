// The resource of a slot: one filter that runs an ordered list of filters, chosen by port where plugins ask for ports.
// One update replaces the list as a whole, so that no moment has a plugin missing or doubled.
import type { Any } from "@bufbuild/protobuf/wkt";
import type { TypedExtensionConfigSchema } from "../gen/envoy/config/core/v3/extension_pb.js";
import { ExtensionWithMatcherSchema } from "../gen/envoy/extensions/common/matching/v3/extension_matcher_pb.js";
import {
  CompositeSchema,
  ExecuteFilterActionSchema,
} from "../gen/envoy/extensions/filters/http/composite/v3/composite_pb.js";
import { HeaderMutationSchema } from "../gen/envoy/extensions/filters/http/header_mutation/v3/header_mutation_pb.js";
import { DestinationPortInputSchema } from "../gen/envoy/extensions/matching/common_inputs/network/v3/network_inputs_pb.js";
import { HttpRequestHeaderMatchInputSchema } from "../gen/envoy/type/matcher/v3/http_inputs_pb.js";
import type {
  Matcher_MatcherList_Predicate_SinglePredicateSchema,
  Matcher_OnMatchSchema,
  MatcherSchema,
} from "../gen/xds/type/matcher/v3/matcher_pb.js";
import { any, type Init } from "./encode.ts";

export interface Filter {
  readonly name: string;
  readonly typedConfig: Any;
}

/** Ordered filters for each port, and for all other ports. */
export interface Choice {
  readonly byPort: ReadonlyMap<number, readonly Filter[]>;
  readonly otherwise: readonly Filter[];
}

export interface SlotContent extends Choice {
  /** Listeners that take requests for all services: there the port that the request's authority names decides. */
  readonly proxied?: { readonly listenerPorts: readonly number[]; readonly choice: Choice };
}

/** Type URLs that a slot may hold: an ordered list, or the filter that does nothing. */
export const slotTypeUrls = [ExtensionWithMatcherSchema, HeaderMutationSchema].map(
  ({ typeName }) => `type.googleapis.com/${typeName}`,
);

type Extension = Init<typeof TypedExtensionConfigSchema>;
type OnMatch = Init<typeof Matcher_OnMatchSchema>;
type Matcher = Init<typeof MatcherSchema>;

/** The resource of a slot. Without any filter it does nothing, in downstream and upstream chains alike. */
export function slotOf(name: string, content: SlotContent): Extension {
  const matcher = portMatcher(content);
  if (!matcher) return { name, typedConfig: any(HeaderMutationSchema, {}) };
  return {
    name,
    typedConfig: any(ExtensionWithMatcherSchema, {
      extensionConfig: { name: "composite", typedConfig: any(CompositeSchema, {}) },
      xdsMatcher: matcher,
    }),
  };
}

/** `undefined` where nothing runs on any port. */
function portMatcher({ byPort, otherwise, proxied }: SlotContent): Matcher | undefined {
  const map: Record<string, OnMatch> = {};
  for (const [port, filters] of byPort) map[port] = run(filters);
  const byAuthority = proxied && authorityMatcher(proxied.choice);
  if (byAuthority) {
    for (const port of proxied.listenerPorts) map[port] = { onMatch: { case: "matcher", value: byAuthority } };
  }
  const onNoMatch = otherwise.length > 0 ? { onNoMatch: run(otherwise) } : {};
  if (Object.keys(map).length === 0) return otherwise.length > 0 ? onNoMatch : undefined;
  return {
    ...onNoMatch,
    matcherType: {
      case: "matcherTree",
      value: {
        input: { name: "port", typedConfig: any(DestinationPortInputSchema, {}) },
        treeType: { case: "exactMatchMap", value: { map } },
      },
    },
  };
}

/** `undefined` where ports make no difference. */
function authorityMatcher({ byPort, otherwise }: Choice): Matcher | undefined {
  if (byPort.size === 0) return undefined;
  return {
    ...(otherwise.length > 0 ? { onNoMatch: run(otherwise) } : {}),
    matcherType: {
      case: "matcherList",
      value: {
        matchers: [...byPort].map(([port, filters]) => ({
          predicate: { matchType: { case: "singlePredicate", value: authorityHasPort(port) } },
          onMatch: run(filters),
        })),
      },
    },
  };
}

/** `host:PORT`; for 80, HTTP's default, also a host without port. An IPv6 address is in brackets. */
function authorityHasPort(port: number): Init<typeof Matcher_MatcherList_Predicate_SinglePredicateSchema> {
  const suffix = port === 80 ? "(:80)?" : `:${port}`;
  return {
    input: { name: "authority", typedConfig: any(HttpRequestHeaderMatchInputSchema, { headerName: ":authority" }) },
    matcher: {
      case: "valueMatch",
      value: {
        matchPattern: {
          case: "safeRegex",
          value: { regex: `([^:\\[]*|\\[.*\\])${suffix}`, engineType: { case: "googleRe2", value: {} } },
        },
      },
    },
  };
}

function run(filters: readonly Filter[]): OnMatch {
  const action = any(ExecuteFilterActionSchema, { filterChain: { typedConfig: filters.map((one) => ({ ...one })) } });
  return { onMatch: { case: "action", value: { name: "run", typedConfig: action } } };
}
