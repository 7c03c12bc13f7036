import { interfaceNameForm, isInterfaceName, isPort, listItems, parseRange } from "../model/network.ts";
import { proxyUid } from "../model/proxy.ts";

/** Which connections of a pod go to its proxy. */
export interface Interception {
  /** Where Envoy takes what leaves the pod. */
  readonly outboundPort: number;
  /** Where Envoy takes what comes to the pod. */
  readonly inboundPort: number;
  /** Users and groups whose connections are Envoy's own; numbers. */
  readonly users: readonly string[];
  readonly groups: readonly string[];
  /** Ports of the pod that are redirected. */
  readonly inboundPorts: "*" | readonly string[];
  /** Of effect where all inbound ports are redirected. */
  readonly excludedInboundPorts: readonly string[];
  /** Destinations, as IPv4 ranges. */
  readonly outboundRanges: "*" | readonly string[];
  readonly excludedOutboundRanges: readonly string[];
  /** Destination ports that are redirected whatever the range. */
  readonly outboundPorts: readonly string[];
  readonly excludedOutboundPorts: readonly string[];
  /** Interfaces of virtual machines in the pod: what comes from them leaves the pod. */
  readonly reroutedInterfaces: readonly string[];
  readonly excludedInterfaces: readonly string[];
}

/** The flags of istio-iptables, as texts. */
export interface InterceptionFlags {
  readonly envoyPort: string;
  readonly inboundCapturePort: string;
  readonly proxyUid: string;
  /** Default: `proxyUid`. */
  readonly proxyGid?: string;
  /** REDIRECT; TPROXY is not built. */
  readonly istioInboundInterceptionMode: string;
  readonly istioInboundPorts: string;
  readonly istioLocalExcludePorts: string;
  readonly istioServiceCidr: string;
  readonly istioServiceExcludeCidr: string;
  readonly istioOutboundPorts: string;
  readonly istioLocalOutboundPortsExclude: string;
  readonly kubeVirtInterfaces: string;
  readonly istioExcludeInterfaces: string;
}

/** What injection asks for where a pod's annotations say nothing else. */
export const defaultFlags: InterceptionFlags = {
  envoyPort: "15001",
  inboundCapturePort: "15006",
  proxyUid: String(proxyUid),
  istioInboundInterceptionMode: "REDIRECT",
  istioInboundPorts: "*",
  istioLocalExcludePorts: "15090,15021,15020",
  istioServiceCidr: "*",
  istioServiceExcludeCidr: "",
  istioOutboundPorts: "",
  istioLocalOutboundPortsExclude: "",
  kubeVirtInterfaces: "",
  istioExcludeInterfaces: "",
};

export type ParsedFlags =
  | { readonly interception: Interception; readonly warnings: readonly string[] }
  | { readonly problems: readonly string[] };

/** Reads the flags; all problems at once, each a sentence. */
export function parseInterception(flags: InterceptionFlags): ParsedFlags {
  const problems = problemsOf(flags);
  if (problems.length > 0) return { problems };
  const ranges = listItems(`${flags.istioServiceCidr},${flags.istioServiceExcludeCidr}`);
  const six = ranges.filter((range) => parseRange(range)?.family === 6);
  const four = (text: string): readonly string[] => listItems(text).filter((range) => parseRange(range)?.family === 4);
  return {
    interception: {
      outboundPort: Number(flags.envoyPort),
      inboundPort: Number(flags.inboundCapturePort),
      users: listItems(flags.proxyUid),
      groups: listItems(flags.proxyGid ?? flags.proxyUid),
      inboundPorts: flags.istioInboundPorts === "*" ? "*" : listItems(flags.istioInboundPorts),
      excludedInboundPorts: listItems(flags.istioLocalExcludePorts),
      outboundRanges: flags.istioServiceCidr === "*" ? "*" : four(flags.istioServiceCidr),
      excludedOutboundRanges: four(flags.istioServiceExcludeCidr),
      outboundPorts: listItems(flags.istioOutboundPorts),
      excludedOutboundPorts: listItems(flags.istioLocalOutboundPortsExclude),
      reroutedInterfaces: listItems(flags.kubeVirtInterfaces),
      excludedInterfaces: listItems(flags.istioExcludeInterfaces),
    },
    warnings: six.map((range) => `${range} has no effect: IPv6 is not intercepted`),
  };
}

function problemsOf(flags: InterceptionFlags): readonly string[] {
  const { envoyPort, inboundCapturePort, proxyUid, proxyGid, istioInboundInterceptionMode: mode } = flags;
  const all = (flag: string, text: string, isValid: (item: string) => boolean, expected: string): readonly string[] => {
    const bad = listItems(text).filter((item) => !isValid(item));
    return bad.map((item) => `${flag} has "${item}": expected ${expected}`);
  };
  const isNumber = (text: string): boolean => /^\d{1,10}$/.test(text);
  const isRange = (text: string): boolean => parseRange(text) !== undefined;
  const unlessAll = (text: string): string => (text === "*" ? "" : text);
  const ports = "port numbers from 1 to 65535, with commas between them";
  return [
    ...(isPort(envoyPort) ? [] : [`-p is "${envoyPort}": expected a port number from 1 to 65535`]),
    ...(isPort(inboundCapturePort) ? [] : [`-z is "${inboundCapturePort}": expected a port number from 1 to 65535`]),
    ...(listItems(proxyUid).length > 0 ? [] : ["-u is empty: without Envoy's user its own connections would go to it"]),
    ...all("-u", proxyUid, isNumber, "numbers of users"),
    ...all("-g", proxyGid ?? "", isNumber, "numbers of groups"),
    ...(mode === "REDIRECT" ? [] : [`-m is "${mode}": only REDIRECT is there`]),
    ...all("-b", unlessAll(flags.istioInboundPorts), isPort, `* or ${ports}`),
    ...all("-d", flags.istioLocalExcludePorts, isPort, ports),
    ...all("-i", unlessAll(flags.istioServiceCidr), isRange, "* or ranges as 10.0.0.0/8"),
    ...all("-x", flags.istioServiceExcludeCidr, isRange, "ranges as 10.0.0.0/8"),
    ...all("-q", flags.istioOutboundPorts, isPort, ports),
    ...all("-o", flags.istioLocalOutboundPortsExclude, isPort, ports),
    ...all("-k", flags.kubeVirtInterfaces, isInterfaceName, interfaceNameForm),
    ...all("-c", flags.istioExcludeInterfaces, isInterfaceName, interfaceNameForm),
  ];
}
