import { addressesBut } from "./addresses.ts";
import type { Claims } from "./claims.ts";
import type { PlacedContainer } from "./container.ts";
import type { Namespaces } from "./namespaces.ts";
import { httpProxyPort } from "./objects.ts";
import type { PodPlan } from "./plan.ts";
import { isFree } from "./sockets.ts";

/** Ports of each pod's Envoy beside those of its containers: Istio's. */
export const listenPorts = { prometheus: 15090, ready: 15021, admin: 15000 } as const;
const envoyPorts = [httpProxyPort, ...Object.values(listenPorts)];

/** Addresses and application ports of a run's other pods, whether their processes run or not. */
export interface Taken {
  readonly ips: ReadonlySet<string>;
  readonly appPorts: ReadonlySet<number>;
}

/** Where one pod lives. */
export interface Place {
  readonly ip: string;
  readonly containers: readonly PlacedContainer[];
  /** containerPort to the port where the application listens: of 127.0.0.1, in the pod's namespaces where it has some. */
  readonly appPorts: ReadonlyMap<number, number>;
  /** Its own, where traffic is intercepted; absent: it runs beside everything else, with an address of loopback. */
  readonly namespaces?: Namespaces;
}

/** Where a pod lives that has all ports to itself. */
export function placeWithin(namespaces: Namespaces, ip: string, plan: PodPlan): Place {
  const containers = plan.containers.map((container): PlacedContainer => {
    const [first] = container.ports;
    return first === undefined ? { container } : { container, appPort: first.containerPort };
  });
  const ports = plan.containers.flatMap((container) => container.ports).map(({ containerPort }) => containerPort);
  return { ip, containers, appPorts: new Map(ports.map((port) => [port, port])), namespaces };
}

/**
 * Finds an address of loopback and ports for a pod. A container's first port goes to the same port of 127.0.0.1 if that is free, else to
 * a free one; further ports stay as they are, since there is no way to tell the program of more than one.
 *
 * @param claims of the run; what is found is claimed
 * @throws where no address is left
 */
export async function placeOf(plan: PodPlan, taken: Taken, claims: Claims): Promise<Place> {
  const ip = await addressFor(plan, taken.ips, claims);
  const appPorts = new Map<number, number>();
  const containers: PlacedContainer[] = [];
  for (const container of plan.containers) {
    const [first, ...others] = container.ports.map(({ containerPort }) => containerPort);
    if (first === undefined) {
      containers.push({ container });
      continue;
    }
    const used = new Set([...taken.appPorts, ...appPorts.values()]);
    const appPort = await claims.port(used.has(first) ? 0 : first);
    for (const port of others) appPorts.set(port, port);
    appPorts.set(first, appPort);
    containers.push({ container, appPort });
  }
  return { ip, containers, appPorts };
}

async function addressFor({ name, containers }: PodPlan, taken: Taken["ips"], claims: Claims): Promise<string> {
  const ports = [...envoyPorts, ...containers.flatMap(({ ports }) => ports).map(({ containerPort }) => containerPort)];
  let busy: readonly number[] = [];
  for (const ip of addressesBut(taken)) {
    const free = await Promise.all(ports.map((port) => isFree(port, ip)));
    busy = ports.filter((_, i) => !free[i]);
    if (busy.length === 0 && (await claims.address(ip))) return ip;
  }
  throw new Error(
    `${name}: port ${busy.join(" and ")} can't be bound on any free address of 127.0.18.0/24: end what listens there or on 0.0.0.0; on macOS, add addresses with \`ifconfig lo0 alias 127.0.18.1\``,
  );
}
