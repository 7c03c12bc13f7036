// The mesh as a whole: how much there is of it, how much fails, and each workload in a line.
import { dashboard } from "./dashboard.ts";
import { dataLink } from "./pages.ts";
import { type Labels, stat, table } from "./panels.ts";
import { rate, sumBy } from "./promql.ts";
import { proxies } from "./proxies.ts";
import { successRate } from "./traffic.ts";

const selector = 'reporter=~"source|waypoint"';
const labels: Labels = {
  destination_service: { name: "Service", link: dataLink("service", { service: "__value.raw" }) },
  destination_workload: {
    name: "Workload",
    link: dataLink("workload", {
      namespace: "__data.fields.destination_workload_namespace",
      workload: "__value.raw",
    }),
  },
  destination_workload_namespace: { name: "Namespace" },
};
const by = Object.keys(labels);
const failing = (codes: string): string =>
  `sum(${rate("istio_requests_total", `${selector}, response_code=~"${codes}"`)}) or vector(0)`;
const quantile = (share: string): string =>
  `histogram_quantile(${share}, ${sumBy(rate("istio_request_duration_milliseconds_bucket", selector), ["le", ...by])})`;

export const mesh = dashboard({
  page: "mesh",
  description: "All workloads of the mesh, as the proxies of their clients see them.",
  rows: {
    Requests: [
      stat(
        {
          title: "Requests",
          description:
            "HTTP and gRPC requests per second in the whole mesh, as clients' sidecars and gateways count them. " +
            "A sudden fall: callers can't get in, or proxies are not scraped; see the gateways, and Prometheus' targets.",
          unit: "reqps",
        },
        `sum(${rate("istio_requests_total", selector)})`,
      ),
      stat(
        {
          title: "Success rate",
          description:
            "Share of all requests that were not answered with 5xx. Below 99 %: sort the table below by its " +
            "success rate to find the workload.",
          unit: "percentunit",
        },
        successRate(selector),
      ),
      stat(
        {
          title: "4xx",
          description:
            "Requests per second that were refused as the caller's mistake. A jump: a caller changed, or a policy now " +
            "denies it (401, 403), or a route is missing (404).",
          unit: "reqps",
        },
        failing("4.."),
      ),
      stat(
        {
          title: "5xx",
          description:
            "Requests per second that failed at a workload or at a proxy. Find the workload in the table below; its " +
            "dashboard has response flags, which say what a proxy ended.",
          unit: "reqps",
        },
        failing("5.."),
      ),
      table(
        {
          title: "HTTP and gRPC",
          description:
            "Each workload by the service it was called as: requests per second, milliseconds until the last byte of " +
            "the response, share without 5xx. A low success rate or a P99 far above P50: open that workload.",
        },
        labels,
        { title: "Requests", unit: "reqps", expr: sumBy(rate("istio_requests_total", selector), by) },
        { title: "P50", unit: "ms", expr: quantile("0.5") },
        { title: "P90", unit: "ms", expr: quantile("0.9") },
        { title: "P99", unit: "ms", expr: quantile("0.99") },
        { title: "Success rate", unit: "percentunit", expr: successRate(selector, by) },
      ),
      table(
        {
          title: "TCP",
          description:
            "Bytes per second of what is not HTTP, received from clients and sent to them. Received without sent: " +
            "the server doesn't answer.",
        },
        labels,
        { title: "Received", unit: "Bps", expr: sumBy(rate("istio_tcp_received_bytes_total", selector), by) },
        { title: "Sent", unit: "Bps", expr: sumBy(rate("istio_tcp_sent_bytes_total", selector), by) },
      ),
    ],
    Proxies: proxies,
  },
});
