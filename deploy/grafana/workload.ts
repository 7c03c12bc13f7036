// One workload: who calls it, and what it calls.
import { ofBothEnds, reporterOf } from "./choices.ts";
import { type Choice, dashboard } from "./dashboard.ts";
import { grpc } from "./grpc.ts";
import { dataLink } from "./pages.ts";
import { stat } from "./panels.ts";
import { rate } from "./promql.ts";
import { ofWorkloads, type Side, successRate, traffic } from "./traffic.ts";

const self = 'destination_workload=~"$workload", destination_workload_namespace=~"$namespace"';

const choices: readonly Choice[] = [
  {
    name: "namespace",
    label: "Namespace",
    description: "The namespace of the workload.",
    ...ofBothEnds("workload_namespace"),
  },
  {
    name: "workload",
    label: "Workload",
    description: "The workload: a Deployment, StatefulSet, Job or the like.",
    ...ofBothEnds("workload", 'workload_namespace=~"$namespace"'),
  },
  reporterOf(self),
];

const incoming: Side = {
  whose: "Incoming",
  per: "client",
  of: "of each client of this workload",
  selector: `reporter=~"$reporter", ${self}`,
  ...ofWorkloads("source"),
};

const outgoing: Side = {
  whose: "Outgoing",
  per: "service",
  of: "of this workload to each service",
  selector: 'reporter="source", source_workload=~"$workload", source_workload_namespace=~"$namespace"',
  by: ["destination_service"],
  legend: "{{destination_service}}",
  link: dataLink("service", { service: "__field.labels.destination_service" }),
};

export const workload = dashboard({
  page: "workload",
  description: "One workload: who calls it, and what it calls.",
  choices,
  rows: {
    General: [
      stat(
        {
          title: "Incoming requests",
          description:
            "Requests per second to this workload. A sudden fall: its callers fail or route elsewhere; none at all: no " +
            "endpoint is ready.",
          unit: "reqps",
        },
        `sum(${rate("istio_requests_total", incoming.selector)})`,
      ),
      stat(
        {
          title: "Incoming success rate",
          description:
            "Share of requests to this workload without 5xx. Low while its outgoing one is high: the fault is here; " +
            "both low: it is further on.",
          unit: "percentunit",
        },
        successRate(incoming.selector),
      ),
      stat(
        {
          title: "Outgoing requests",
          description:
            "Requests per second that this workload sends, counted by its own proxy. Grows faster than what comes in: " +
            "it retries.",
          unit: "reqps",
        },
        `sum(${rate("istio_requests_total", outgoing.selector)})`,
      ),
      stat(
        {
          title: "Outgoing success rate",
          description:
            "Share of the requests that this workload sends without 5xx. Low: a service that it needs fails; see below which one.",
          unit: "percentunit",
        },
        successRate(outgoing.selector),
      ),
    ],
    "Who calls it": [...traffic(incoming), ...grpc(incoming)],
    "What it calls": [...traffic(outgoing), ...grpc(outgoing)],
  },
});
