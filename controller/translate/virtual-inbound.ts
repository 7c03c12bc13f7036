// The listener on 15006, to which a workload's incoming connections are redirected: a chain for each port that services
// lead to, and one for all others.
//
// A listener whose filters change drains all its connections, one whose chains change only those of the chain. So the
// inspector of TLS is there for every port, also where nothing is to be told apart, but for the ports that are plain text
// and no HTTP: a server that speaks first (MySQL, SMTP) would keep silent until the client says something, which it does
// not. Under PERMISSIVE such a server's greeting comes only after `inspectMs`; STRICT or DISABLE let it come at once.
import type { BindConfigSchema } from "../gen/envoy/config/core/v3/address_pb.js";
import type { ListenerFilterChainMatchPredicateSchema } from "../gen/envoy/config/listener/v3/listener_components_pb.js";
import type { Mesh } from "../model/mesh.ts";
import { listenerName, routeNames, specialClusters, virtualListeners } from "../model/names.ts";
import type { Proxy } from "../model/proxy.ts";
import type { Resource } from "../model/resource.ts";
import { isHttp } from "../model/service.ts";
import { passthrough } from "./clusters.ts";
import type { Init } from "./encode.ts";
import { inboundChains } from "./inbound-chains.ts";
import { type InboundPort, modesOf } from "./inbound-ports.ts";
import {
  closedFilterChain,
  type FilterChain,
  type ListenerFilter,
  namedListener,
  originalDestination,
  tlsInspector,
} from "./listener.ts";

type Predicate = Init<typeof ListenerFilterChainMatchPredicateSchema>;

/** What comes from this address is not redirected to the sidecar again. */
export const applicationBind: Init<typeof BindConfigSchema> = {
  sourceAddress: { address: "127.0.0.6", portSpecifier: { case: "portValue", value: 0 } },
};

/** How long a connection may be silent before it is taken for plain text, in ms: longer than a handshake is ever late. */
export const inspectMs = 5000;

const anyAddress = "0.0.0.0";
const { name, port: listenPort, blackHole, catchAll } = virtualListeners.inbound;

/** @param ports those that are not opened elsewhere */
export function virtualInbound(mesh: Mesh, proxy: Proxy, ports: readonly InboundPort[]): readonly Resource[] {
  const { settings } = mesh;
  const known = ports.filter(({ number }) => number !== listenPort);
  const modes = modesOf(mesh, proxy);
  const served = new Set([listenPort, ...known.map(({ number }) => number)]);
  const unserved = [...modes.byPort].filter(([port]) => !served.has(port));
  const passing = { name: catchAll, target: specialClusters.inboundPassthrough, settings };
  const chains: FilterChain[] = [
    // else it would call itself without end
    {
      name: blackHole,
      filterChainMatch: { destinationPort: listenPort },
      filters: closedFilterChain(),
    },
    ...inboundChains({ ...passing, mode: modes.mode }),
    ...unserved.flatMap(([port, mode]) => inboundChains({ ...passing, mode, port })),
    ...known.flatMap(({ number, protocol, mode }) =>
      inboundChains({
        name: listenerName(anyAddress, number),
        target: routeNames.inbound(number),
        port: number,
        mode,
        settings,
        ...(isHttp(protocol) ? { http: { statPrefix: `inbound_${anyAddress}_${number}` } } : {}),
      }),
    ),
  ];
  const plain = [
    ...known.filter(({ mode, protocol }) => mode === "DISABLE" && !isHttp(protocol)).map(({ number }) => number),
    ...unserved.filter(([, mode]) => mode === "DISABLE").map(([port]) => port),
  ];
  const tls = chains.some(({ transportSocket }) => transportSocket !== undefined)
    ? { inspectors: [originalDestination, tlsInspectorBut(plain)], inspectMs }
    : { inspectors: [originalDestination] };
  return [
    namedListener(name, { address: anyAddress, port: listenPort, direction: "inbound", chains, ...tls }),
    passthrough(specialClusters.inboundPassthrough, { upstreamBindConfig: applicationBind }),
  ];
}

/** For all ports but these. */
function tlsInspectorBut(ports: readonly number[]): ListenerFilter {
  const [first, ...others] = ports.map((port): Predicate => {
    return { rule: { case: "destinationPortRange", value: { start: port, end: port + 1 } } };
  });
  if (!first) return tlsInspector;
  const any: Predicate = { rule: { case: "orMatch", value: { rules: [first, ...others] } } };
  return { ...tlsInspector, filterDisabled: others.length === 0 ? first : any };
}
