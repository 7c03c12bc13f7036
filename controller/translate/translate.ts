import { codes } from "../model/codes.ts";
import type { Mesh } from "../model/mesh.ts";
import { refOf } from "../model/object.ts";
import type { Problem } from "../model/problem.ts";
import type { Proxy } from "../model/proxy.ts";
import type { Snapshot } from "../model/resource.ts";
import { gatewaysFor } from "../model/select.ts";
import { virtualServicesFor, virtualServicesForGateway } from "../model/select-routes.ts";
import { isHttp } from "../model/service.ts";
import { gatewayPart } from "./gateway.ts";
import { inboundPorts } from "./inbound-ports.ts";
import { networkSlots, type TcpPorts } from "./network-slots.ts";
import { join, type Part } from "./part.ts";
import { ratelimited } from "./retry.ts";
import type { RouteContext } from "./routes.ts";
import { inboundResources } from "./sidecar-inbound.ts";
import { type PortView, slots } from "./slots.ts";
import { merge, snapshot } from "./snapshot.ts";
import { routeContext, type View, viewOf } from "./view.ts";

export interface Translation {
  readonly resources: Snapshot;
  /** In no particular order; the same for every proxy that an object concerns alike. */
  readonly problems: readonly Problem[];
}

/**
 * All that a proxy should have in a state of the mesh, but for its secrets. Pure: equal content gives equal bytes and versions, in every
 * process. An HTTP listener's bytes depend only on where it listens, what it speaks and which mutual TLS it takes; routes,
 * endpoints, plugins and secrets vary in RDS, EDS, ECDS and SDS, since a changed listener drains its connections.
 *
 * With interception a sidecar takes what is redirected to it; without, it listens where its Sidecar opens a port. A
 * gateway listens where a Gateway does.
 */
export function translate(mesh: Mesh, proxy: Proxy): Translation {
  const shared = viewOf(mesh, proxy);
  const context = routeContext(mesh, proxy);
  const listening = proxy.type === "router" ? gateway(mesh, context) : sidecar(mesh, proxy, shared);
  const { resources, problems } = join([
    listening.part,
    slots(mesh, proxy, listening.view),
    networkSlots(mesh, proxy, listening.tcp),
  ]);
  const stripped = context.endable ? strippedConditions(mesh, proxy) : [];
  return {
    resources: merge(snapshot(resources), shared.resources),
    problems: [...shared.problems, ...problems, ...stripped],
  };
}

interface Listening {
  readonly part: Part;
  readonly view: PortView;
  readonly tcp: TcpPorts;
}

function gateway(mesh: Mesh, context: RouteContext): Listening {
  const part = gatewayPart(mesh, context);
  return { part, view: { proxied: [], gateway: part.ports }, tcp: { inbound: [], outbound: [] } };
}

function sidecar(mesh: Mesh, proxy: Proxy, { proxied, tcp }: View): Listening {
  const elsewhere = proxy.interception === "NONE" ? [] : [undefined]; // what is redirected and known by no port
  const known = inboundPorts(mesh, proxy).filter(({ protocol }) => !isHttp(protocol));
  const inbound = [...elsewhere, ...known.map(({ number }) => number)];
  return {
    part: { resources: inboundResources(mesh, proxy), problems: [] },
    view: { proxied },
    tcp: { inbound, outbound: [...elsewhere, ...tcp] },
  };
}

/** With `envoy-ratelimited` among its conditions Envoy would go on where a plugin says that there are no more retries. */
function strippedConditions(mesh: Mesh, proxy: Proxy): readonly Problem[] {
  const bound =
    proxy.type === "router"
      ? gatewaysFor(mesh, proxy).flatMap((one) => virtualServicesForGateway(mesh, proxy, one))
      : virtualServicesFor(mesh, proxy);
  return [...new Set(bound.map(({ object }) => object))].flatMap((object) =>
    object.spec.http.flatMap((http, index) => {
      if (!http.retries?.retryOn?.includes(ratelimited)) return [];
      const message = `has ${ratelimited}, which is left out: a plugin on the same proxies ends retries by that mark`;
      const path = ["spec", "http", index, "retries", "retryOn"];
      return [{ severity: "info", code: codes.strippedCondition, object: refOf(object), path, message } as const];
    }),
  );
}
