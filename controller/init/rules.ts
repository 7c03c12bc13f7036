// The rules that lead a pod's connections to its proxy: Istio's, for REDIRECT and IPv4. Outbound: all but Envoy's own, the
// loopback's and the excluded go to ISTIO_REDIRECT; inbound: all but the excluded ports go to ISTIO_IN_REDIRECT. Envoy
// reaches the application from 127.0.0.6, and what it sends to the pod's own address it means for its inbound side.
import { parseRange } from "../model/network.ts";
import type { Interception } from "./options.ts";

/** Programs that take the rules: the one the machine prefers comes first, then what its kernel may have instead. */
export const iptablesVariants: readonly string[] = ["iptables", "iptables-nft", "iptables-legacy"];

/** Order as in Istio. */
const chains = ["ISTIO_INBOUND", "ISTIO_REDIRECT", "ISTIO_IN_REDIRECT", "ISTIO_OUTPUT"] as const;

/** Of Istio's tunnels, whose packets its rules pass by in both directions. */
const tunnelPort = 15008;

/**
 * The rules of the table `nat`, each a line for `iptables-restore`.
 *
 * @see istio/istio tools/istio-iptables/pkg/capture/run.go
 */
export function interceptionRules(interception: Interception): readonly string[] {
  const { outboundPort, inboundPort, excludedInterfaces, reroutedInterfaces } = interception;
  return [
    ...excludedInterfaces.flatMap((name) => [`-A PREROUTING -i ${name} -j RETURN`, `-A OUTPUT -o ${name} -j RETURN`]),
    ...reroutedInterfaces.map((name) => `-I PREROUTING 1 -i ${name} -j RETURN`),
    `-A ISTIO_INBOUND -p tcp --dport ${tunnelPort} -j RETURN`,
    `-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports ${outboundPort}`,
    `-A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports ${inboundPort}`,
    ...inboundRules(interception),
    "-A OUTPUT -j ISTIO_OUTPUT",
    ...interception.excludedOutboundPorts.flatMap((port) =>
      ["tcp", "udp"].map((protocol) => `-A ISTIO_OUTPUT -p ${protocol} --dport ${port} -j RETURN`),
    ),
    "-A ISTIO_OUTPUT -o lo -s 127.0.0.6/32 -j RETURN",
    ...interception.users.flatMap((user) => ownerRules(`--uid-owner ${user}`, interception)),
    ...interception.groups.flatMap((group) => ownerRules(`--gid-owner ${group}`, interception)),
    "-A ISTIO_OUTPUT -d 127.0.0.1/32 -j RETURN",
    ...interception.excludedOutboundRanges.map((range) => `-A ISTIO_OUTPUT -d ${range} -j RETURN`),
    ...interception.outboundPorts.map((port) => `-A ISTIO_OUTPUT -p tcp --dport ${port} -j ISTIO_REDIRECT`),
    ...outboundRules(interception),
  ];
}

function inboundRules({ inboundPorts, excludedInboundPorts }: Interception): readonly string[] {
  if (inboundPorts.length === 0) return [];
  const jump = "-A PREROUTING -p tcp -j ISTIO_INBOUND";
  if (inboundPorts !== "*") {
    return [jump, ...inboundPorts.map((port) => `-A ISTIO_INBOUND -p tcp --dport ${port} -j ISTIO_IN_REDIRECT`)];
  }
  const excluded = excludedInboundPorts.map((port) => `-A ISTIO_INBOUND -p tcp --dport ${port} -j RETURN`);
  return [jump, ...excluded, "-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT"];
}

/** @param owner how Envoy is known: `--uid-owner 1337` */
function ownerRules(owner: string, { outboundRanges }: Interception): readonly string[] {
  const hasLoopback = outboundRanges !== "*" && outboundRanges.some((range) => parseRange(range)?.isLoopback);
  return [
    // by way of a service's address to oneself: through the inbound side too
    `-A ISTIO_OUTPUT -o lo ! -d 127.0.0.1/32 -p tcp ! --dport ${tunnelPort} -m owner ${owner} -j ISTIO_IN_REDIRECT`,
    // between the containers of a pod, whose traffic stays theirs
    ...(hasLoopback ? [] : [`-A ISTIO_OUTPUT -o lo -m owner ! ${owner} -j RETURN`]),
    `-A ISTIO_OUTPUT -m owner ${owner} -j RETURN`,
  ];
}

function outboundRules({ outboundRanges, reroutedInterfaces }: Interception): readonly string[] {
  const destinations = outboundRanges === "*" ? [""] : outboundRanges.map((range) => ` -d ${range}`);
  const rerouted = (to: string): readonly string[] =>
    reroutedInterfaces.map((name) => `-I PREROUTING 1 -i ${name}${to} -j ISTIO_REDIRECT`);
  const redirected = (to: string): readonly string[] => [`-A ISTIO_OUTPUT${to} -j ISTIO_REDIRECT`];
  return destinations.flatMap((to) =>
    outboundRanges === "*" ? [...redirected(to), ...rerouted(to)] : [...rerouted(to), ...redirected(to)],
  );
}

/**
 * The input of `iptables-restore --noflush`, which takes all of it or nothing. Where the rules, or older ones of ours, are
 * there already they are replaced, so that a second run changes nothing; what others have put there stays.
 *
 * @param saved what `iptables-save -t nat` says; empty where the table is
 */
export function restoreInput(rules: readonly string[], saved = ""): string {
  const there = saved.split("\n");
  const isThere = (chain: string): boolean => there.some((line) => line.startsWith(`:${chain} `));
  const own = new Set(rules.map((rule) => rule.replace(/^-I (\S+) 1 /, "-A $1 ")));
  const jumps = there.filter(
    (line) => /^-A (PREROUTING|OUTPUT) /.test(line) && (/-j ISTIO_/.test(line) || own.has(line)),
  );
  return [
    "* nat",
    ...jumps.map((line) => line.replace("-A", "-D")),
    ...chains.map((chain) => `${isThere(chain) ? "-F" : "-N"} ${chain}`),
    ...rules,
    "COMMIT",
    "",
  ].join("\n");
}

/** How the table differs from the rules; empty: it has them. @param saved what `iptables-save -t nat` says */
export function differences(rules: readonly string[], saved: string): readonly string[] {
  const there = saved.split("\n");
  const count = (lines: readonly string[], pattern: RegExp): number =>
    lines.filter((line) => pattern.test(line)).length;
  const ours = chains.map((chain) => ({ chain, pattern: new RegExp(`^-A ${chain} `) }));
  const jumps = ["PREROUTING", "OUTPUT"].map((chain) => ({
    chain,
    pattern: new RegExp(`^-[AI] ${chain} .*-j ISTIO_`),
  }));
  return [...ours, ...jumps].flatMap(({ chain, pattern }) => {
    const [expected, found] = [count(rules, pattern), count(there, pattern)];
    return expected === found ? [] : [`chain ${chain} has ${found} rules instead of ${expected}`];
  });
}
