import { HeadersAction, HttpContext } from "@sluice/sdk/assembly";
import { isInbound, strip, tell } from "./exchange";
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
    if (!isInbound(this.proxy.node, this.properties) && this.staysInMesh) tell(this.requestHeaders, this.proxy.node);
    else strip(this.requestHeaders);
    return HeadersAction.Continue;
  }

  private get staysInMesh(): bool {
    const cluster = this.proxy.clusters.of(this.properties);
    return cluster != null && !cluster.isExternal;
  }
}
