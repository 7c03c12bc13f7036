// One workload: who calls it, and what it calls.
import { type Choice, dashboard, stat } from "./panels.ts";
import { anyTraffic, messages, successRate, traffic } from "./traffic.ts";

const self = 'destination_workload=~"$workload", destination_workload_namespace=~"$namespace"';
const asked = `reporter=~"$reporter", ${self}`;
const asking = 'reporter="source", source_workload=~"$workload", source_workload_namespace=~"$namespace"';

const choices: readonly Choice[] = [
  {
    ...{ name: "namespace", label: "Namespace" },
    values: `label_values(${anyTraffic()}, destination_workload_namespace)`,
  },
  {
    ...{ name: "workload", label: "Workload" },
    values: `label_values(${anyTraffic('destination_workload_namespace=~"$namespace"')}, destination_workload)`,
  },
  { name: "reporter", label: "Reporter", values: `label_values(${anyTraffic()}, reporter)`, many: true },
];

export const workload = dashboard("sluice-workload", "Workload", choices, {
  General: [
    stat("Incoming requests", "reqps", `sum(rate(istio_requests_total{${asked}}[$__rate_interval]))`),
    stat("Incoming success rate", "percentunit", successRate(asked)),
    stat("Outgoing requests", "reqps", `sum(rate(istio_requests_total{${asking}}[$__rate_interval]))`),
    stat("Outgoing success rate", "percentunit", successRate(asking)),
  ],
  "Who calls it": [
    ...traffic(
      "Incoming",
      asked,
      ["source_workload", "source_workload_namespace", "connection_security_policy"],
      "{{source_workload}}.{{source_workload_namespace}} {{connection_security_policy}}",
    ),
    messages(asked, ["source_workload"], "{{source_workload}}"),
  ],
  "What it calls": [...traffic("Outgoing", asking, ["destination_service"], "{{destination_service}}")],
});
