// How two proxies tell each other what they are: Istio's pair of headers, in both directions.
import { HeaderMap, Properties } from "@sluice/sdk/assembly";
import { Node } from "./node";

const ID = "x-envoy-peer-metadata-id";
const METADATA = "x-envoy-peer-metadata";

/** Values of `xds.listener_direction`. */
export const INBOUND: i64 = 1;
const OUTBOUND: i64 = 2;

/** Which way a stream goes; 0 where it can't be read. A gateway has no application: all that it gets, it sends on. */
export function directionOf(node: Node, properties: Properties): i64 {
  return node.isGateway ? OUTBOUND : properties.i64("xds.listener_direction");
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
