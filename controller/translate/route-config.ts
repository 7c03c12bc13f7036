import { RouteConfigurationSchema } from "../gen/envoy/config/route/v3/route_pb.js";
import { concat } from "../model/concat.ts";
import { memo } from "../model/memo.ts";
import type { Ref } from "../model/object.ts";
import type { Resource } from "../model/resource.ts";
import { bytesOf, resource } from "./encode.ts";
import type { Route } from "./routes.ts";
import type { RouteTracing } from "./tracing.ts";

/** Bodies of direct responses may be that long: what Istio admits. */
const directResponseBytesMax = 1 << 20;

export interface VirtualHost {
  readonly name: string;
  readonly domains: readonly string[];
  /** The same list for the same routes: what is encoded is kept by it. */
  readonly routes: readonly Route[];
  /** Whether upstreams are told which attempt a request is. */
  readonly includeRequestAttemptCount?: true;
}

export interface RouteConfig {
  readonly name: string;
  readonly hosts: readonly VirtualHost[];
  readonly owners: readonly Ref[];
  /** Whether the port that a request's authority names makes no difference. */
  readonly ignoresPort: boolean;
  /** Taken off all requests, before filters at the upstream write their own; absent: none. */
  readonly requestHeadersToRemove?: readonly string[];
  /** Of all routes; absent: nothing is traced. */
  readonly tracing?: RouteTracing | undefined;
}

/**
 * Of hundreds of virtual hosts a change concerns one, and proxies of other namespaces have most of them, too. So each is
 * encoded once, between the fields that go before and behind them.
 */
export function routeConfig({
  name,
  hosts,
  owners,
  ignoresPort,
  requestHeadersToRemove = [],
  tracing,
}: RouteConfig): Resource {
  const settings = {
    requestHeadersToRemove: [...requestHeadersToRemove],
    ignorePortInHostMatching: ignoresPort,
    maxDirectResponseBodySizeBytes: directResponseBytesMax,
  };
  const parts = [
    bytesOf(RouteConfigurationSchema, { name }),
    ...hosts.map((host) => hostBytes(host, tracing)),
    bytesOf(RouteConfigurationSchema, settings),
  ];
  return resource("RDS", name, concat(parts), { owners });
}

const encoded = memo<readonly Route[], Uint8Array>();

/** A route configuration with nothing but this virtual host. */
function hostBytes({ domains, routes, ...rest }: VirtualHost, tracing: RouteTracing | undefined): Uint8Array {
  return encoded(routes, JSON.stringify([domains, rest, tracing]), () => {
    const traced = tracing ? routes.map((route) => ({ ...route, tracing })) : [...routes];
    return bytesOf(RouteConfigurationSchema, { virtualHosts: [{ ...rest, domains: [...domains], routes: traced }] });
  });
}
