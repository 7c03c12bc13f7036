// The ports of a workload that its sidecar takes calls on.
import type { Mesh } from "../model/mesh.ts";
import type { Ref } from "../model/object.ts";
import { refOf } from "../model/object.ts";
import type { MutualTlsMode } from "../model/peer-authentication.ts";
import type { Proxy } from "../model/proxy.ts";
import { type ServedService, servicesServedBy, sidecarFor } from "../model/select.ts";
import { type MutualTlsModes, modeOf, mutualTlsModes, takesMutualTls } from "../model/select-authentication.ts";
import type { Protocol } from "../model/service.ts";

export interface InboundPort {
  /** The workload's own. */
  readonly number: number;
  readonly protocol: Protocol;
  readonly mode: MutualTlsMode;
  /** IP address to open the port on; absent: calls to it are redirected to the sidecar. */
  readonly bind?: string;
  /** Where the application listens, as a Sidecar says it; absent: where the caller meant to go. */
  readonly endpoint?: string;
  /** The objects that open it. */
  readonly owners: readonly Ref[];
}

/**
 * A workload's modes of mutual TLS. Of one that does not say that it takes any, nobody expects it: it needs no chain for
 * that under PERMISSIVE. But STRICT stays STRICT, so that a label taken away opens nothing.
 */
export function modesOf(mesh: Mesh, { namespace, labels }: Proxy): MutualTlsModes {
  const { mode, byPort } = mutualTlsModes(mesh, { namespace, labels });
  const taken = (one: MutualTlsMode): MutualTlsMode =>
    one === "PERMISSIVE" && !takesMutualTls(labels) ? "DISABLE" : one;
  return { mode: taken(mode), byPort: new Map([...byPort].map(([port, one]) => [port, taken(one)])) };
}

/** What its Sidecar says; without ingress there, and with interception, the ports that services lead to. */
export function inboundPorts(mesh: Mesh, proxy: Proxy): readonly InboundPort[] {
  const sidecar = sidecarFor(mesh, proxy);
  const modes = modesOf(mesh, proxy);
  const isIntercepted = proxy.interception !== "NONE";
  const { ingress } = sidecar?.spec ?? {};
  if (sidecar && ingress) {
    return ingress.flatMap(({ port, bind, captureMode, defaultEndpoint }) => {
      const isBound = captureMode === "NONE" || !isIntercepted;
      if (captureMode === "IPTABLES" && !isIntercepted) return [];
      const { number, protocol } = port;
      const own = { number, protocol, mode: modeOf(modes, number), owners: [refOf(sidecar)] };
      if (isBound) return [{ ...own, bind: bind ?? proxy.ip, endpoint: defaultEndpoint ?? `127.0.0.1:${number}` }];
      return [defaultEndpoint === undefined ? own : { ...own, endpoint: defaultEndpoint }];
    });
  }
  return isIntercepted ? servedPorts(servicesServedBy(mesh, proxy), (port) => modeOf(modes, port)) : [];
}

/** Of two services that lead to one port the first says what it speaks. */
function servedPorts(
  served: readonly ServedService[],
  modeOfPort: (port: number) => MutualTlsMode,
): readonly InboundPort[] {
  const ports = new Map<number, InboundPort>();
  for (const { service, endpoint } of served) {
    for (const { number: servicePort, protocol } of service.ports) {
      const number = endpoint.ports.get(servicePort);
      if (number === undefined || protocol === "UDP") continue;
      const known = ports.get(number) ?? { number, protocol, mode: modeOfPort(number), owners: [] };
      ports.set(number, { ...known, owners: [...known.owners, service.ref] });
    }
  }
  return [...ports.values()].toSorted((a, b) => a.number - b.number);
}
