// Panels of one side of a traffic: requests, failures, durations, sizes and bytes, by whom or to whom.
import { graph, type PanelBuilder, quantiles, rate, sumBy } from "./panels.ts";

/** The series of all that was asked or connected, from which readers choose. */
export function anyTraffic(selector = ""): string {
  return `{__name__=~"istio_requests_total|istio_tcp_connections_opened_total"${selector && `, ${selector}`}}`;
}

/** Answers that are no failure of the service. */
const notFailed = 'response_code!~"5.*"';

/** The share of requests without a failure, 0 to 1; `by` no label: of all. */
export function successRate(selector: string, by: readonly string[] = []): string {
  const requests = (more: string): string => sumBy(rate("istio_requests_total", `${selector}${more}`), by);
  return `${requests(`, ${notFailed}`)} / ${requests("")}`;
}

/**
 * Six panels of what is selected.
 *
 * @param whose what the titles say it is: `Incoming`, `Outgoing`
 * @param by labels of which each set is a line
 * @param legend what a line is called
 */
export function traffic(
  whose: string,
  selector: string,
  by: readonly string[],
  legend: string,
): readonly PanelBuilder[] {
  const perSecond = (metric: string, more: readonly string[] = []): string =>
    sumBy(rate(metric, selector), [...by, ...more]);
  return [
    graph(`${whose} requests by response code`, "reqps", {
      expr: perSecond("istio_requests_total", ["response_code"]),
      legend: `${legend} {{response_code}}`,
    }),
    graph(`${whose} success rate`, "percentunit", { expr: successRate(selector, by), legend }),
    graph(`${whose} request duration`, "ms", ...quantiles("istio_request_duration_milliseconds", selector, by, legend)),
    graph(`${whose} request size`, "bytes", ...quantiles("istio_request_bytes", selector, by, legend)),
    graph(`${whose} response size`, "bytes", ...quantiles("istio_response_bytes", selector, by, legend)),
    graph(
      `${whose} TCP bytes`,
      "Bps",
      { expr: perSecond("istio_tcp_received_bytes_total"), legend: `${legend} received` },
      { expr: perSecond("istio_tcp_sent_bytes_total"), legend: `${legend} sent` },
    ),
  ];
}

/** Panels of gRPC's messages in a stream or call. */
export function messages(selector: string, by: readonly string[], legend: string): PanelBuilder {
  const perSecond = (metric: string): string => sumBy(rate(metric, selector), by);
  return graph(
    "gRPC messages",
    "cps",
    { expr: perSecond("istio_request_messages_total"), legend: `${legend} requests` },
    { expr: perSecond("istio_response_messages_total"), legend: `${legend} responses` },
  );
}
