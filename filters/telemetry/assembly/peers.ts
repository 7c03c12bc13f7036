import { Known } from "./known";
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
  private headers: Known<Workload> = new Known<Workload>(KEPT_MAX);
  private endpoints: Known<Workload> = new Known<Workload>(KEPT_MAX);

  /** The peer of a header `x-envoy-peer-metadata`; null if there is none, or it can't be read. */
  ofHeader(text: string | null): Workload | null {
    if (text == null || text.length > METADATA_SIZE_MAX) return null;
    const known = this.headers.get(text);
    return known == null ? added(this.headers, text, peerOfHeader(text)) : known;
  }

  /** The peer of an endpoint's metadata; null if there are none, or others than that. */
  ofEndpoint(text: string | null): Workload | null {
    if (text == null) return null;
    const known = this.endpoints.get(text);
    return known == null ? added(this.endpoints, text, peerOfEndpoint(text)) : known;
  }
}

function added(known: Known<Workload>, text: string, peer: Workload | null): Workload | null {
  return peer == null ? null : known.add(text, peer);
}
