import type { Ref } from "../model/object.ts";
import type { Resource } from "../model/resource.ts";
import { encode } from "./encode.ts";
import type { VirtualHost } from "./virtual-hosts.ts";

/** Bodies of direct responses may be that long: what Istio admits. */
const directResponseBytesMax = 1 << 20;

export interface RouteConfig {
  readonly name: string;
  readonly hosts: readonly VirtualHost[];
  readonly owners: readonly Ref[];
  /** Whether the port that a request's authority names makes no difference. */
  readonly ignoresPort: boolean;
}

export function routeConfig({ name, hosts, owners, ignoresPort }: RouteConfig): Resource {
  const config = {
    name,
    virtualHosts: [...hosts],
    ignorePortInHostMatching: ignoresPort,
    maxDirectResponseBodySizeBytes: directResponseBytesMax,
  };
  return encode("RDS", name, config, { owners });
}
