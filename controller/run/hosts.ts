import { type AnyObject, matches } from "../model/object.ts";
import type { PlacedPod } from "./objects.ts";

const loopback = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"];

/**
 * The names of services, as an application of a namespace may write them: what `/etc/hosts` of its pods says. A headless
 * Service leads to its pods that take traffic.
 *
 * @param objects with the addresses that services have; see sources/virtual-addresses.ts
 * @see hosts(5)
 */
export function hostsText(
  namespace: string,
  {
    objects,
    pods,
    domain,
  }: { readonly objects: readonly AnyObject[]; readonly pods: readonly PlacedPod[]; readonly domain: string },
): string {
  const lines = objects.flatMap((object): string[] => {
    if (object.kind === "ServiceEntry") {
      const { hosts, addresses } = object.spec;
      const names = hosts.filter((host) => !host.startsWith("*"));
      return addresses.filter((address) => !address.includes("/")).map((address) => [address, ...names].join(" "));
    }
    if (object.kind !== "Service") return [];
    const { meta, spec } = object;
    const name = `${meta.name}.${meta.namespace}`;
    const names = [...(meta.namespace === namespace ? [meta.name] : []), name, `${name}.svc`, `${name}.svc.${domain}`];
    const selected = (pod: PlacedPod): boolean =>
      (pod.ready || spec.publishNotReadyAddresses === true) &&
      pod.plan.namespace === meta.namespace &&
      matches(spec.selector ?? {}, pod.plan.labels);
    const headless = spec.selector === undefined ? [] : pods.filter(selected).map(({ ip }) => ip);
    const addresses = spec.clusterIP === undefined ? headless : [spec.clusterIP];
    return addresses.map((address) => [address, ...names].join(" "));
  });
  return `${[...loopback, ...lines.toSorted()].join("\n")}\n`;
}
