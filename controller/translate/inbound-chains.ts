// The filter chains of a port that others call, by what its workload's PeerAuthentication admits.
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { FilterChainMatchSchema } from "../gen/envoy/config/listener/v3/listener_components_pb.js";
import type { MeshSettings } from "../model/mesh.ts";
import { parseClusterName } from "../model/names.ts";
import type { MutualTlsMode } from "../model/peer-authentication.ts";
import type { Init } from "./encode.ts";
import { httpFilterChain } from "./hcm.ts";
import { type FilterChain, tcpFilterChain } from "./listener.ts";
import { meshAlpn, serverTls } from "./tls.ts";

type Match = Init<typeof FilterChainMatchSchema>;

export interface InboundChains {
  readonly name?: string;
  /** Of the cluster and, for HTTP, of the routes. */
  readonly target: string;
  /** Begins the names of an HTTP chain's statistics; absent: the port does not speak HTTP. */
  readonly http?: { readonly statPrefix: string };
  readonly mode: MutualTlsMode;
  /** Which connections are for this port; absent: all. */
  readonly port?: number;
  readonly settings: MeshSettings;
}

/**
 * The share of a certificate's life that a connection may last. Certificates are renewed at half of their life, give or
 * take a tenth, so that this much is left of any that is in use: no connection outlives the certificate it was made with,
 * but an idle one of HTTP/1, which ends with its next request, and those of TCP, which only their ends may end.
 */
const connectionShare = 0.4;

/** A caller that does not finish its handshake is let go after that long, in ms. */
const handshakeMs = 15_000;

/**
 * Mutual TLS between proxies is known by its ALPN and has the same chain under STRICT and PERMISSIVE, so that its
 * connections outlast a change from one to the other. STRICT takes it from others too, such as a Prometheus with a
 * certificate, and nothing else. Under PERMISSIVE, TLS of an application's own passes on a port that does not speak HTTP,
 * and is closed on one that does, where it could only pass by the filters. Chains with equal matches are refused by
 * Envoy: each match here is more special than the next, and a connection that one has no part of never gets to a
 * more general one beside it.
 */
export function inboundChains(of: InboundChains): readonly FilterChain[] {
  const { mode, http } = of;
  if (mode === "DISABLE") return [chain(of, {}, "plain")];
  const ofMesh = chain(of, { transportProtocol: "tls", applicationProtocols: [meshAlpn] }, "mutual");
  if (mode === "STRICT") return [ofMesh, chain(of, { transportProtocol: "tls" }, "mutual")];
  return [ofMesh, ...(http ? [] : [chain(of, { transportProtocol: "tls" }, "plain")]), chain(of, {}, "plain")];
}

function chain(of: InboundChains, match: Match, security: "mutual" | "plain"): FilterChain {
  const { name, target, http, port, settings } = of;
  const isMutual = security === "mutual";
  const maxConnectionMs = Math.round(settings.certificateTtlMs * connectionShare);
  const full = { ...match, ...(port === undefined ? {} : { destinationPort: port }) };
  return {
    ...(name === undefined ? {} : { name }),
    ...(Object.keys(full).length > 0 ? { filterChainMatch: full } : {}),
    filters: http
      ? httpFilterChain({ side: "inbound", routeName: target, ...http, ...(isMutual ? { maxConnectionMs } : {}) })
      : tcpFilterChain({ direction: "inbound", port: parseClusterName(target)?.port, cluster: target }),
    ...(isMutual
      ? {
          transportSocket: serverTls(settings.trustDomain, { isHttp: http !== undefined }),
          transportSocketConnectTimeout: durationFromMs(handshakeMs),
        }
      : {}),
  };
}
