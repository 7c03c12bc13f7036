// One service: what its callers see of it, and how its workloads share the work.
import { type Choice, dashboard, stat } from "./panels.ts";
import { anyTraffic, messages, successRate, traffic } from "./traffic.ts";

const chosen = 'destination_service=~"$service"';
const client = `reporter=~"source|waypoint", ${chosen}`;
const server = `reporter=~"destination|waypoint", ${chosen}`;
const ofClients = `reporter=~"$reporter", ${chosen}, source_workload=~"$client", source_workload_namespace=~"$client_namespace"`;
const ofServers = `reporter=~"$reporter", ${chosen}, destination_workload=~"$workload", destination_workload_namespace=~"$namespace"`;

const choices: readonly Choice[] = [
  { name: "service", label: "Service", values: `label_values(${anyTraffic()}, destination_service)` },
  { name: "reporter", label: "Reporter", values: `label_values(${anyTraffic()}, reporter)`, many: true },
  ...(
    [
      ["client_namespace", "Client namespace", "source_workload_namespace"],
      ["client", "Client workload", "source_workload"],
      ["namespace", "Service namespace", "destination_workload_namespace"],
      ["workload", "Service workload", "destination_workload"],
    ] as const
  ).map(([name, label, value]) => ({
    ...{ name, label, values: `label_values(${anyTraffic(chosen)}, ${value})`, many: true },
  })),
];

export const service = dashboard("sluice-service", "Service", choices, {
  General: [
    stat("Client requests", "reqps", `sum(rate(istio_requests_total{${client}}[$__rate_interval]))`),
    stat("Client success rate", "percentunit", successRate(client)),
    stat("Server requests", "reqps", `sum(rate(istio_requests_total{${server}}[$__rate_interval]))`),
    stat("Server success rate", "percentunit", successRate(server)),
  ],
  "Client workloads": [
    ...traffic(
      "Incoming",
      ofClients,
      ["source_workload", "source_workload_namespace", "connection_security_policy"],
      "{{source_workload}}.{{source_workload_namespace}} {{connection_security_policy}}",
    ),
  ],
  "Service workloads": [
    ...traffic(
      "Incoming",
      ofServers,
      ["destination_workload", "destination_workload_namespace", "connection_security_policy"],
      "{{destination_workload}}.{{destination_workload_namespace}} {{connection_security_policy}}",
    ),
    messages(ofServers, ["destination_workload"], "{{destination_workload}}"),
  ],
});
