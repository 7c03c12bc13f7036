import { type ConfigDump, section } from "./dump.ts";
import type { Listener } from "./envoy-json.ts";
import { chainsOf, destinationText, filterChainText, listenerType } from "./listener-chain.ts";
import { compareText } from "./order.ts";
import { table } from "./table.ts";

/** Each absent field lets all pass. */
export interface ListenerFilter {
  /** IP, or path of a pipe. */
  readonly address?: string;
  readonly port?: number;
  /** `HTTP`, `TCP`, `HTTP+TCP` or `UNKNOWN`, in any case. */
  readonly type?: string;
}

/** Active listeners, by port, address and type. */
export function listenersOf(dump: ConfigDump, filter: ListenerFilter): readonly Listener[] {
  const { dynamic_listeners = [], static_listeners = [] } = section(dump, "ListenersConfigDump");
  return [
    ...dynamic_listeners.map(({ active_state }) => active_state?.listener),
    ...static_listeners.map((one) => one.listener),
  ]
    .flatMap((listener) => listener ?? [])
    .filter((listener) => passes(listener, filter))
    .sort(
      (a, b) =>
        portOf(a) - portOf(b) ||
        compareText(addressesOf(a)[0] ?? "", addressesOf(b)[0] ?? "") ||
        compareText(listenerType(a), listenerType(b)),
    );
}

export interface ListenerTableOptions {
  /** Default true. False: a row for each listener with its type, instead of one for each filter chain. */
  readonly verbose?: boolean;
  /** Leads with a column NAME: `listener/<name>`, as `proxy-config all` does. */
  readonly isNamed?: boolean;
}

export function listenerTable(
  listeners: readonly Listener[],
  { verbose = true, isNamed = false }: ListenerTableOptions,
): string {
  const head = [...(isNamed ? ["NAME"] : []), "ADDRESSES", "PORT", ...(verbose ? ["MATCH", "DESTINATION"] : ["TYPE"])];
  const rows = listeners.flatMap((listener) => {
    const lead = [
      ...(isNamed ? [`listener/${listener.name ?? ""}`] : []),
      addressesOf(listener).join(","),
      String(portOf(listener)),
    ];
    return verbose ? chainRows(listener).map((row) => [...lead, ...row]) : [[...lead, listenerType(listener)]];
  });
  return table([head, ...rows], 1);
}

/** Match and destination of each filter chain, destinations in descending order as istioctl has them. */
function chainRows(listener: Listener): readonly (readonly string[])[] {
  return chainsOf(listener)
    .map((chain) => ({ match: filterChainText(chain.filter_chain_match), destination: destinationText(chain.filters) }))
    .sort((a, b) => compareText(b.destination, a.destination))
    .map(({ match, destination }) => [match, destination]);
}

function passes(listener: Listener, { address, port, type }: ListenerFilter): boolean {
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  return (
    (address === undefined || addressesOf(listener).some((one) => same(one, address))) &&
    (port === undefined || portOf(listener) === port) &&
    (type === undefined || same(listenerType(listener), type))
  );
}

function addressesOf({ address, additional_addresses = [] }: Listener): readonly string[] {
  const additional = additional_addresses.map((one) => one.address?.socket_address?.address ?? "");
  return [address?.socket_address?.address ?? address?.pipe?.path ?? "", ...additional];
}

function portOf({ address }: Listener): number {
  return address?.socket_address?.port_value ?? 0;
}
