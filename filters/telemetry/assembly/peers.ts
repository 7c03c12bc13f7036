import { peerOfEndpoint, peerOfHeader, Workload } from "./workload";

/** Peers of a proxy, as a rule; what is forgotten is read again. */
const KEPT_MAX = 256;

/** Longer peer metadata is not read: Istio's are some 500 bytes. */
const METADATA_SIZE_MAX = 4096;

/**
 * Peers by the texts that describe them. Istio keeps them by the id that comes along; by the text itself nobody can change
 * what is known of another one, and a workload that comes back changed is seen as it is.
 */
@final
export class Peers {
  private headers: Map<string, Workload> = new Map<string, Workload>();
  private endpoints: Map<string, Workload> = new Map<string, Workload>();

  /** The peer of a header `x-envoy-peer-metadata`; null if there is none, or it can't be read. */
  ofHeader(text: string | null): Workload | null {
    if (text == null) return null;
    if (this.headers.has(text)) return this.headers.get(text);
    return text.length > METADATA_SIZE_MAX ? null : keep(this.headers, text, peerOfHeader(text));
  }

  /** The peer of an endpoint's metadata; null if there are none, or others than that. */
  ofEndpoint(text: string | null): Workload | null {
    if (text == null) return null;
    if (this.endpoints.has(text)) return this.endpoints.get(text);
    return keep(this.endpoints, text, peerOfEndpoint(text));
  }
}

function keep(known: Map<string, Workload>, text: string, peer: Workload | null): Workload | null {
  if (peer == null) return null;
  if (known.size >= KEPT_MAX) known.clear();
  known.set(text, peer);
  return peer;
}
