// Telemetry of TCP connections: bytes while they are open and at their end, and how they end.
import { bothEnd, end, type Move } from "../connections.ts";
import type { Script } from "../script.ts";
import { tcpScript as script } from "./telemetry-script.ts";

const talk: readonly Move[] = [["client", "hi there"], ["server", "hello"], ...bothEnd];
const received = (sum: number) => ({ metric: "istio_tcp_received_bytes_total", sum });

export const telemetryTcp: readonly Script[] = [
  script("a client's connections", {}, { connections: [talk, talk, bothEnd] }),
  script("a server's", {}, { direction: "inbound", connections: [talk] }),
  script("a gateway's", {}, { node: "gateway", connections: [talk] }),
  script(
    "the server ends first",
    {},
    {
      connections: [
        [
          ["server", "bye"],
          ["server", end],
          ["client", end],
        ],
      ],
    },
  ),
  script(
    "the caller resets",
    {},
    {
      connections: [
        [
          ["client", "abc"],
          ["client", { resetsAfter: { server: "abc" } }],
        ],
      ],
    },
  ),
  script(
    "the server resets",
    {},
    {
      connections: [
        [
          ["server", "abc"],
          ["server", { resetsAfter: { client: "abc" } }],
        ],
      ],
    },
  ),
  script("nobody listens", {}, { cluster: "closed", connections: [[]] }),
  script("no endpoint", {}, { cluster: "none", connections: [[]] }),
  script("no cluster", {}, { cluster: "unknown", direction: "inbound", connections: [[]] }),
  script(
    "one that stays open is counted while it does",
    {},
    {
      connections: [[["client", "abc", received(3)], ["server", "de"], ["client", "f"], ...bothEnd]],
    },
  ),
  script(
    "other labels, and metrics that are dropped",
    {
      metrics: [
        { dimensions: { tenant: "request.headers['x-tenant']", request_host: "xds.cluster_name" } },
        { name: "tcp_sent_bytes_total", tags_to_remove: ["source_app", "response_flags"] },
        { name: "tcp_connections_opened_total", drop: true },
      ],
    },
    { connections: [talk] },
  ),
  script("no metrics at all", { metrics: [{ drop: true }] }, { connections: [talk] }),
  script(
    "more series than there may be",
    { seriesMax: 1 },
    {
      connections: [
        talk,
        [
          ["server", "abc"],
          ["server", { resetsAfter: { client: "abc" } }],
        ],
      ],
    },
  ),
];
