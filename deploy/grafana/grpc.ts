// Panels of one side of a traffic that gRPC adds.
import { graph, type PanelBuilder } from "./panels.ts";
import { perSecond, type Side } from "./traffic.ts";

/** Panels of gRPC, whose failures are HTTP's 200. */
export function grpc({ whose, per, of, selector, by, legend, link }: Side): readonly PanelBuilder[] {
  return [
    graph(
      {
        title: `${whose} gRPC calls by ${per} and status`,
        description:
          `gRPC calls per second ${of}, by gRPC status; success rates don't know it. 4 deadline exceeded, 8 exhausted, ` +
          "13 internal, 14 unavailable: the server or its proxy failed.",
        unit: "reqps",
        link,
      },
      {
        expr: perSecond("istio_requests_total", `${selector}, request_protocol="grpc"`, [
          ...by,
          "grpc_response_status",
        ]),
        legend: `${legend} {{grpc_response_status}}`,
      },
    ),
    graph(
      {
        title: `${whose} gRPC messages by ${per}`,
        description:
          `gRPC messages per second ${of}, in both directions, also of calls that are open. Requests without responses: ` +
          "a stream hangs.",
        unit: "mps",
        link,
      },
      { expr: perSecond("istio_request_messages_total", selector, by), legend: `${legend} requests` },
      { expr: perSecond("istio_response_messages_total", selector, by), legend: `${legend} responses` },
    ),
  ];
}
