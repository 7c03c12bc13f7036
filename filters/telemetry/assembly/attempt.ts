import { HeadersAction, HttpContext } from "@sluice/sdk/assembly";
import { directionOf, INBOUND, strip, tell } from "./exchange";
import { Proxy } from "./proxy";

/**
 * The upstream half: one attempt. Only here it is certain which cluster the request goes to: in the downstream chain a
 * filter that changes the route leaves properties of the old one behind, and another one may still come.
 */
export class Attempt extends HttpContext {
  constructor(private proxy: Proxy) {
    super();
  }

  onRequestHeaders(endOfStream: bool): HeadersAction {
    // Read of each attempt: Envoy has one upstream half for both directions.
    const isInbound = directionOf(this.proxy.node, this.properties) == INBOUND;
    if (!isInbound && this.staysInMesh) tell(this.requestHeaders, this.proxy.node);
    else strip(this.requestHeaders);
    return HeadersAction.Continue;
  }

  private get staysInMesh(): bool {
    const cluster = this.proxy.clusters.of(this.properties);
    return cluster != null && !cluster.isExternal;
  }
}
