import { fieldsOf, groupOf, isMapping, type RawObject } from "../model/raw-object.ts";
import { virtualAddress, virtualCount } from "../model/virtual-range.ts";

/**
 * Gives each Service without `clusterIP` an address, as Kubernetes' API server would, and each ServiceEntry without
 * `addresses` one, as Istio does: by these a call that was intercepted is told from others. Headless Services
 * (`clusterIP: None`), those of type ExternalName, and ServiceEntries with resolution NONE or a wildcard get none.
 *
 * An address depends on the object's name; only where two come to the same does it depend on what else there is.
 *
 * @returns the others as they are
 */
export function withVirtualAddresses(objects: readonly RawObject[]): readonly RawObject[] {
  const wanting = objects.map((object) => ({ object, key: keyOf(object) }));
  const keys = new Set(wanting.flatMap(({ key }) => key ?? []).toSorted());
  const taken = new Set(objects.flatMap(({ value }) => ownAddresses(value)));
  const addresses = new Map<string, string>();
  for (const key of keys) {
    const address = addressFor(key, taken);
    if (address === undefined) break;
    taken.add(address);
    addresses.set(key, address);
  }
  return wanting.map(({ object, key }) => {
    const address = key === undefined ? undefined : addresses.get(key);
    return address === undefined ? object : { ...object, value: withAddress(object.value, address) };
  });
}

/** What an object's address is made of; `undefined` for what gets none. */
function keyOf({ value }: RawObject): string | undefined {
  const { apiVersion, kind, metadata, spec } = fieldsOf(value);
  if (typeof apiVersion !== "string" || !isMapping(spec)) return undefined;
  const { namespace = "default", name } = fieldsOf(metadata);
  const { clusterIP, type, addresses, hosts, resolution = "NONE" } = spec;
  const key = `${kind} ${namespace}/${name}`;
  if (groupOf(apiVersion) === "" && kind === "Service")
    return (clusterIP === undefined || clusterIP === "") && type !== "ExternalName" ? key : undefined;
  if (groupOf(apiVersion) !== "networking.istio.io" || kind !== "ServiceEntry" || resolution === "NONE")
    return undefined;
  const isNamed = Array.isArray(hosts) && hosts.every((host) => typeof host === "string" && !host.startsWith("*"));
  return isNamed && (addresses === undefined || (Array.isArray(addresses) && addresses.length === 0)) ? key : undefined;
}

function ownAddresses(value: unknown): readonly string[] {
  const { clusterIP, addresses } = fieldsOf(fieldsOf(value)["spec"]);
  return [clusterIP, ...(Array.isArray(addresses) ? addresses : [])].filter((one) => typeof one === "string");
}

function withAddress(value: unknown, address: string): unknown {
  const { spec, ...rest } = fieldsOf(value);
  const own = rest["kind"] === "Service" ? { clusterIP: address } : { addresses: [address] };
  return { ...rest, spec: { ...fieldsOf(spec), ...own } };
}

/** `undefined` where the range is used up. */
function addressFor(key: string, taken: ReadonlySet<string>): string | undefined {
  for (let attempt = 0, n = fnv1a(key) % virtualCount; attempt < virtualCount; attempt++, n = (n + 1) % virtualCount) {
    const address = virtualAddress(n);
    if (!taken.has(address)) return address;
  }
  return undefined;
}

/** @see The FNV Non-Cryptographic Hash Algorithm, FNV-1a, 32 bits */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
