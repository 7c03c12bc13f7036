// The mesh as a whole: how much there is of it, how much fails, and each workload in a line.
import { dashboard, graph, rate, stat, sumBy, table } from "./panels.ts";
import { successRate } from "./traffic.ts";

const selector = 'reporter=~"source|waypoint"';
const by = ["destination_service", "destination_workload", "destination_workload_namespace"];
const failing = (codes: string): string =>
  `sum(${rate("istio_requests_total", `${selector}, response_code=~"${codes}"`)}) or vector(0)`;
const quantile = (share: string): string =>
  `histogram_quantile(${share}, ${sumBy(rate("istio_request_duration_milliseconds_bucket", selector), ["le", ...by])})`;

export const mesh = dashboard("sluice-mesh", "Mesh", [], {
  Requests: [
    stat("Requests", "reqps", `sum(${rate("istio_requests_total", selector)})`),
    stat("Success rate", "percentunit", successRate(selector)),
    stat("4xx", "reqps", failing("4..")),
    stat("5xx", "reqps", failing("5..")),
    table(
      "HTTP and gRPC",
      { title: "Requests", unit: "reqps", expr: sumBy(rate("istio_requests_total", selector), by) },
      { title: "P50", unit: "ms", expr: quantile("0.5") },
      { title: "P90", unit: "ms", expr: quantile("0.9") },
      { title: "P99", unit: "ms", expr: quantile("0.99") },
      { title: "Success rate", unit: "percentunit", expr: successRate(selector, by) },
    ),
    table(
      "TCP",
      { title: "Received", unit: "Bps", expr: sumBy(rate("istio_tcp_received_bytes_total", selector), by) },
      { title: "Sent", unit: "Bps", expr: sumBy(rate("istio_tcp_sent_bytes_total", selector), by) },
    ),
  ],
  Proxies: [graph("Proxies by version", "none", { expr: "sum(istio_build) by (component, tag)" })],
});
