// The pods of a headless service that speaks no HTTP are called by their own addresses: each has a listener, which comes
// and goes with it.
import { codes } from "../model/codes.ts";
import { memo } from "../model/memo.ts";
import type { Endpoint, Mesh } from "../model/mesh.ts";
import { refOf, refText } from "../model/object.ts";
import type { Problem } from "../model/problem.ts";
import type { Resource } from "../model/resource.ts";
import { type TcpPort, tcpFilters } from "./captured-tcp.ts";
import { listener } from "./listener.ts";
import { join, type Part } from "./part.ts";

/** Pods of a headless service that get a listener each; more would make every sidecar's listeners too many. */
export const headlessMax = 256;

/** @param calls ports of headless services */
export function podPart(calls: readonly TcpPort[], endpoints: Mesh["endpoints"]): Part {
  return join(
    calls.map((one) => {
      const pods = endpoints.get(one.service.host) ?? [];
      return { resources: podListeners(one, pods), problems: tooMany(one, pods.length) };
    }),
  );
}

const made = memo<readonly Endpoint[], readonly Resource[]>();

/** Made once for all proxies and generations with the same pods and rule. */
function podListeners(calls: TcpPort, pods: readonly Endpoint[]): readonly Resource[] {
  const { service, port, rule } = calls;
  const from = rule?.from ?? [];
  const make = (): readonly Resource[] => {
    const chains = [{ filters: tcpFilters(calls) }];
    return pods.slice(0, headlessMax).flatMap(({ address, ports }) => {
      const number = ports.get(port.number);
      return number === undefined
        ? []
        : [listener({ address, port: number, direction: "outbound", chains, captured: true })];
    });
  };
  const key = [service.host, port.number, ...from.map((object) => refText(refOf(object)))].join(" ");
  return made(pods, key, make, from);
}

function tooMany({ service, port: { number, protocol } }: TcpPort, count: number): readonly Problem[] {
  if (count <= headlessMax) return [];
  const path = ["spec", "ports", service.ports.findIndex((one) => one.number === number)];
  const message = `is a ${protocol} port of a headless service with ${count} pods: only the first ${headlessMax} are known to sidecars by their addresses, and calls of the others pass as to no service; give the service a clusterIP`;
  return [{ severity: "warning", code: codes.unservedPort, object: service.ref, path, message }];
}
