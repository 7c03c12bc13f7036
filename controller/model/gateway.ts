import type { Labels } from "./object.ts";
import type { Protocol } from "./service.ts";

/** Istio Gateway (networking.istio.io): ports that gateway proxies open, and the hosts they serve there. */
export interface Gateway {
  /** Labels of the gateway pods, in any namespace. */
  readonly selector: Labels;
  readonly servers: readonly GatewayServer[];
}

export interface GatewayServer {
  readonly port: { readonly number: number; readonly name: string; readonly protocol: Protocol };
  /** `[namespace/]host`; `*` and `*.suffix` allowed. */
  readonly hosts: readonly string[];
  readonly name?: string;
}
