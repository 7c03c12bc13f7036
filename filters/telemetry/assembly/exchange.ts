// How two proxies tell each other what they are: Istio's pair of headers, in both directions.
import { HeaderMap, Properties } from "@sluice/sdk/assembly";
import { Node } from "./node";

const ID = "x-envoy-peer-metadata-id";
const METADATA = "x-envoy-peer-metadata";

const INBOUND: i64 = 1; // xds.listener_direction

/**
 * Whether a stream comes to our application. A gateway has none: all that it gets, it sends on. Read of each stream: Envoy has one plugin for
 * both directions where their configurations are the same (seen in 1.40).
 */
export function isInbound(node: Node, properties: Properties): bool {
  return !node.isGateway && properties.i64("xds.listener_direction") == INBOUND;
}

/** What the peer says of itself; null if it says nothing. */
export function heard(headers: HeaderMap): string | null {
  return headers.get(METADATA);
}

/** The same, of which nothing is left for whom it is not meant. */
export function take(headers: HeaderMap): string | null {
  const metadata = heard(headers);
  headers.remove(ID);
  if (metadata != null) headers.remove(METADATA);
  return metadata;
}

/** Puts what we are in the place of what stands there. */
export function tell(headers: HeaderMap, node: Node): void {
  headers.setBytes(ID, node.id);
  headers.setBytes(METADATA, node.metadata);
}

export function strip(headers: HeaderMap): void {
  headers.remove(ID);
  headers.remove(METADATA);
}
