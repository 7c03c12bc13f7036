import { Option } from "commander";
import { type AllOptions, allTables } from "./all.ts";
import { clustersOf, clusterTable } from "./cluster.ts";
import { type ConfigDump, parseClusterStatuses, parseConfigDump, section } from "./dump.ts";
import { ecdsTable, extensionsOf } from "./ecds.ts";
import { assignmentsOf, assignmentTable } from "./eds.ts";
import { endpointClusters, endpointTable } from "./endpoint.ts";
import { listenersOf, listenerTable } from "./listener.ts";
import { portOption, verboseOption } from "./options.ts";
import { routesOf, routeTable } from "./route.ts";
import { secretTable } from "./secret.ts";

/** What the options of all commands together may say; a command has some of them. */
export type ConfigOptions = AllOptions;

/** One command of `proxy-config`. */
export interface ConfigView {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly description: string;
  /** What `--file` holds, in words. */
  readonly holds: string;
  /** What to ask the admin for. */
  readonly path: string;
  readonly options: readonly Option[];
  readonly examples: readonly string[];
  /** Reads what the admin printed; `undefined` where it is something else. */
  readonly open: (text: string, nowMs: number) => Shown | undefined;
}

export interface Shown {
  readonly short: (options: ConfigOptions) => string;
  /** For `-o json` and `-o yaml`. */
  readonly resources: (options: ConfigOptions) => unknown;
}

const fqdn = new Option("--fqdn <text>", "only clusters with this in their host");
const subset = new Option("--subset <text>", "only clusters with this in their subset");
const direction = new Option("--direction <direction>", "only clusters of this direction").choices([
  "inbound",
  "outbound",
]);
const port = portOption("--port <port>", "only those of this port");
const address = new Option("--address <address>", "only those of this address");
const type = new Option("--type <type>", "only listeners of this type: HTTP, TCP, HTTP+TCP or UNKNOWN");
const name = new Option("--name <name>", "only the route configuration of this name");
const verbose = verboseOption(
  "a row for each filter chain and route, not only for each listener and route configuration",
);

const dumpSource = { holds: "a config dump of Envoy", path: "/config_dump?include_eds" } as const;
const fileExamples = (command: string): readonly string[] => [
  "",
  "# Without a running mesh",
  "curl -s 'localhost:15000/config_dump?include_eds' > dump.json",
  `sluice proxy-config ${command} -f dump.json`,
];

/** In the order of `--help`; names and aliases are istioctl's. */
export const configViews: readonly ConfigView[] = [
  {
    ...dumpSource,
    name: "cluster",
    aliases: ["clusters", "c"],
    description: "the upstreams that an Envoy knows",
    options: [fqdn, port, subset, direction],
    examples: [
      "# All clusters of a pod; the beginning of its name will do",
      "sluice proxy-config cluster webapp",
      "# Where requests for a service go, in full",
      "sluice pc c webapp.istioinaction --fqdn catalog --port 80 -o json",
      ...fileExamples("cluster"),
    ],
    open: opened(clustersOf, (clusters) => clusterTable(clusters)),
  },
  {
    ...dumpSource,
    name: "listener",
    aliases: ["listeners", "l"],
    description: "the ports that an Envoy listens on, and where their filter chains lead",
    options: [address, port, type, verbose],
    examples: [
      "# All listeners of a pod",
      "sluice proxy-config listener webapp",
      "# One of them, in full",
      "sluice pc l webapp --port 15007 -o yaml",
      ...fileExamples("listener"),
    ],
    open: opened(listenersOf, (listeners, options) => listenerTable(listeners, options)),
  },
  {
    ...dumpSource,
    name: "route",
    aliases: ["routes", "r"],
    description: "the routes of an Envoy, and the VirtualServices that they come from",
    options: [name, verbose],
    examples: [
      "# All routes of a pod",
      "sluice proxy-config route webapp",
      "# Those of one port, in full: retries, timeouts",
      "sluice pc r webapp --name 80 -o json",
      ...fileExamples("route"),
    ],
    open: opened(routesOf, (routes, options) => routeTable(routes, options)),
  },
  {
    name: "endpoint",
    aliases: ["endpoints", "ep"],
    description: "the endpoints of an Envoy's clusters, with the health that it sees",
    holds: "what Envoy's admin says of its clusters",
    path: "/clusters?format=json",
    options: [
      address,
      port,
      new Option("--cluster <name>", "only those of this cluster"),
      new Option("--status <status>", "only those of this status: healthy, unhealthy, …"),
    ],
    examples: [
      "# All endpoints of a pod's clusters",
      "sluice proxy-config endpoint webapp",
      "# Who serves a cluster, and is anyone ejected?",
      'sluice pc ep webapp --cluster "outbound|80||catalog.istioinaction.svc.cluster.local"',
      "",
      "# Without a running mesh; a config dump with its endpoints will do, too",
      "curl -s 'localhost:15000/clusters?format=json' > clusters.json",
      "sluice proxy-config endpoint -f clusters.json",
    ],
    open: openEndpoints,
  },
  {
    ...dumpSource,
    name: "secret",
    aliases: ["secrets", "s"],
    description: "the certificates of an Envoy: its own and the roots that it trusts",
    options: [],
    examples: [
      "# Until when is the proxy's certificate valid?",
      "sluice proxy-config secret webapp",
      ...fileExamples("secret"),
    ],
    open: (text, nowMs) => {
      const dump = parseConfigDump(text);
      return dump && { short: () => secretTable(dump, nowMs), resources: () => section(dump, "SecretsConfigDump") };
    },
  },
  {
    ...dumpSource,
    name: "ecds",
    aliases: ["ec"],
    description: "the slots of an Envoy with the plugins in them, in the order in which requests meet them",
    options: [],
    examples: ["# Which plugins run, at which digest?", "sluice proxy-config ecds webapp", ...fileExamples("ecds")],
    open: (text) => {
      const dump = parseConfigDump(text);
      return dump && { short: () => ecdsTable(extensionsOf(dump)), resources: () => section(dump, "EcdsConfigDump") };
    },
  },
  {
    ...dumpSource,
    name: "all",
    aliases: ["a"],
    description: "all of these tables for one Envoy; -o json and yaml print its whole dump",
    options: [
      ...[fqdn, port, subset, direction, address, type, name, verbose],
      new Option("--with-headers", "print a head above each table"),
    ],
    examples: [
      "# Everything of a pod",
      "sluice proxy-config all webapp --with-headers",
      "# Keep it, to look at it later",
      "sluice pc a webapp -o json > dump.json",
      ...fileExamples("all"),
    ],
    open: (text, nowMs) => {
      const dump = parseConfigDump(text);
      return dump && { short: (options) => allTables(dump, options, nowMs), resources: () => dump };
    },
  },
];

/** A command that shows one kind of resource: json and yaml print those that its table lists. */
function opened<Resource>(
  select: (dump: ConfigDump, options: ConfigOptions) => readonly Resource[],
  print: (resources: readonly Resource[], options: ConfigOptions) => string,
): ConfigView["open"] {
  return (text) => {
    const dump = parseConfigDump(text);
    if (dump === undefined) return undefined;
    return {
      short: (options) => print(select(dump, options), options),
      resources: (options) => select(dump, options),
    };
  };
}

function openEndpoints(text: string, nowMs: number): Shown | undefined {
  const statuses = parseClusterStatuses(text);
  if (statuses === undefined) return opened(assignmentsOf, (assignments) => assignmentTable(assignments))(text, nowMs);
  return {
    short: (options) => endpointTable(statuses, options),
    resources: (options) => endpointClusters(statuses, options),
  };
}
