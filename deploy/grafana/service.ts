// One service: what its callers see of it, and how its workloads share the work.
import { anyTraffic, reporterOf } from "./choices.ts";
import { type Choice, dashboard } from "./dashboard.ts";
import { grpc } from "./grpc.ts";
import { stat } from "./panels.ts";
import { rate } from "./promql.ts";
import { ofWorkloads, type Side, successRate, traffic } from "./traffic.ts";

const chosen = 'destination_service=~"$service"';
const client = `reporter=~"source|waypoint", ${chosen}`;
const server = `reporter=~"destination|waypoint", ${chosen}`;

const narrowing: readonly Choice[] = (
  [
    ["client_namespace", "Client namespace", "source_workload_namespace", "Only calls from these namespaces."],
    ["client", "Client workload", "source_workload", "Only calls from these workloads."],
    ["namespace", "Service namespace", "destination_workload_namespace", "Only workloads in these namespaces."],
    ["workload", "Service workload", "destination_workload", "Only these of the workloads behind the service."],
  ] as const
).map(([name, label, value, description]) => ({
  ...{ name, label, description, values: `label_values(${anyTraffic(chosen)}, ${value})`, many: true },
}));

const choices: readonly Choice[] = [
  {
    name: "service",
    label: "Service",
    description: "The service that is called, by its full name.",
    values: `label_values(${anyTraffic()}, destination_service)`,
  },
  reporterOf(chosen),
  ...narrowing,
];

const clients: Side = {
  whose: "Incoming",
  per: "client",
  of: "of each client workload to this service",
  selector: `reporter=~"$reporter", ${chosen}, source_workload=~"$client", source_workload_namespace=~"$client_namespace"`,
  ...ofWorkloads("source"),
};

const servers: Side = {
  whose: "Incoming",
  per: "workload",
  of: "at each workload behind this service",
  selector: `${server}, destination_workload=~"$workload", destination_workload_namespace=~"$namespace"`,
  ...ofWorkloads("destination"),
};

export const service = dashboard({
  page: "service",
  description: "One service: what its clients see of it, and how its workloads share the work.",
  choices,
  rows: {
    General: [
      stat(
        {
          title: "Client requests",
          description:
            "Requests per second to this service, as its clients' proxies count them. Much more than the servers count: " +
            "they don't get there; see the response flags in the clients' access logs.",
          unit: "reqps",
        },
        `sum(${rate("istio_requests_total", client)})`,
      ),
      stat(
        {
          title: "Client success rate",
          description:
            "Share of requests without 5xx, as clients see it, with what fails on the way. Below the servers' rate: " +
            "no healthy endpoint, no connection, a timeout or a circuit breaker.",
          unit: "percentunit",
        },
        successRate(client),
      ),
      stat(
        {
          title: "Server requests",
          description:
            "Requests per second that arrive at the sidecars of this service. More than its clients count: retries, or " +
            "callers outside the mesh.",
          unit: "reqps",
        },
        `sum(${rate("istio_requests_total", server)})`,
      ),
      stat(
        {
          title: "Server success rate",
          description:
            "Share of requests without 5xx, as the servers' sidecars see it. Low: the application fails; see below which " +
            "workload does, and its log.",
          unit: "percentunit",
        },
        successRate(server),
      ),
    ],
    "Client workloads": [...traffic(clients), ...grpc(clients)],
    "Service workloads": [...traffic(servers), ...grpc(servers)],
  },
});
