// Panels of one side of a traffic: requests, failures, durations, sizes and bytes, by whom or to whom.
import { type DataLink, dataLink } from "./pages.ts";
import { graph, type PanelBuilder } from "./panels.ts";
import { orNone, quantiles, rate, sumBy } from "./promql.ts";

/** The share of requests without a failure, 0 to 1, also where all fail; `by` no label: of all. */
export function successRate(selector: string, by: readonly string[] = []): string {
  const all = perSecond("istio_requests_total", selector, by);
  const failed = perSecond("istio_requests_total", `${selector}, response_code=~"5.*"`, by);
  return `1 - ${orNone(failed, all)} / ${all}`;
}

/** One side of a traffic. */
export interface Side {
  /** What titles begin with: `Incoming` */
  readonly whose: string;
  /** What they end with: `client` */
  readonly per: string;
  /** What a description says it is of: `of each client of this service` */
  readonly of: string;
  readonly selector: string;
  /** Labels of which each set is a line. */
  readonly by: readonly string[];
  /** What a line is called. */
  readonly legend: string;
  /** Where a line leads. */
  readonly link: DataLink;
}

export const perSecond = (metric: string, selector: string, by: readonly string[]): string =>
  sumBy(rate(metric, selector), by);

/** A line for each workload at one end, which leads to it. */
export function ofWorkloads(end: "source" | "destination"): Pick<Side, "by" | "legend" | "link"> {
  const [name, namespace] = [`${end}_workload`, `${end}_workload_namespace`];
  const field = "__field.labels";
  return {
    by: [name, namespace, "connection_security_policy"],
    legend: `{{${name}}}.{{${namespace}}} {{connection_security_policy}}`,
    link: dataLink("workload", { namespace: `${field}.${namespace}`, workload: `${field}.${name}` }),
  };
}

/** Panels of requests and connections. */
export function traffic({ whose, per, of, selector, by, legend, link }: Side): readonly PanelBuilder[] {
  const percentiles = (metric: string) => quantiles(metric, selector, by, legend);
  return [
    graph(
      {
        title: `${whose} requests by ${per} and response code`,
        description:
          `Requests per second ${of}, by HTTP status; 0: the caller was gone before the answer. ` +
          "5xx without a response flag (see that panel) is the application's own: see its log.",
        unit: "reqps",
        link,
      },
      {
        expr: perSecond("istio_requests_total", selector, [...by, "response_code"]),
        legend: `${legend} {{response_code}}`,
      },
    ),
    graph(
      {
        title: `${whose} success rate by ${per}`,
        description:
          `Share of the requests ${of} without 5xx. One line that falls alone: look at that peer; all lines: ` +
          "at what they have in common.",
        unit: "percentunit",
        link,
      },
      { expr: successRate(selector, by), legend },
    ),
    graph(
      {
        title: `${whose} requests by ${per} and response flag`,
        description:
          `Requests per second ${of} that Envoy ended or marked: UH no healthy endpoint, UF no connection, UC it broke, ` +
          "UO circuit breaker, UT timeout, URX retries used up, NR no route, DC the caller hung up.",
        unit: "reqps",
        link,
      },
      {
        expr: perSecond("istio_requests_total", `${selector}, response_flags!="-"`, [...by, "response_flags"]),
        legend: `${legend} {{response_flags}}`,
      },
    ),
    graph(
      {
        title: `${whose} request duration by ${per}`,
        description:
          `Milliseconds from the first byte of a request to the last of its response, ${of}. P99 rises alone: a few ` +
          "are slow or retried; P50 with it: overload, or something slow further on.",
        unit: "ms",
        link,
      },
      ...percentiles("istio_request_duration_milliseconds"),
    ),
    graph(
      {
        title: `${whose} request size by ${per}`,
        description: `Bytes of a request, headers and body, ${of}. A jump with longer durations: a caller sends more than before.`,
        unit: "bytes",
        link,
      },
      ...percentiles("istio_request_bytes"),
    ),
    graph(
      {
        title: `${whose} response size by ${per}`,
        description:
          `Bytes of a response, headers, body and trailers, ${of}. All at once small: answers of the proxy itself, or ` +
          "error pages; compare with the response codes.",
        unit: "bytes",
        link,
      },
      ...percentiles("istio_response_bytes"),
    ),
    graph(
      {
        title: `${whose} TCP bytes by ${per}`,
        description:
          `Bytes per second of connections that are not HTTP, ${of}: received from the client, and sent to it. ` +
          "Received without sent: the server doesn't answer.",
        unit: "Bps",
        link,
      },
      { expr: perSecond("istio_tcp_received_bytes_total", selector, by), legend: `${legend} received` },
      { expr: perSecond("istio_tcp_sent_bytes_total", selector, by), legend: `${legend} sent` },
    ),
  ];
}
