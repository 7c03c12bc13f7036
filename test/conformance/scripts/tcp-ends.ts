// TCP connections: who speaks, ends and closes, and in which order a network filter learns of it.
import { bothEnd, end, type Move } from "../connections.ts";
import type { Handlers } from "../program.ts";
import type { Script } from "../script.ts";
import { everyCallback } from "./tcp-callbacks.ts";

const ends: Readonly<Record<string, readonly Move[]>> = {
  "both ends speak, and the caller ends first": [["client", "ab"], ["server", "cd"], ...bothEnd],
  "both ends speak, and the upstream ends first": [
    ["client", "ab"],
    ["server", "cd"],
    ["server", end],
    ["client", end],
  ],
  "nobody says anything": bothEnd,
  "the upstream speaks first": [["server", "cd"], ["client", "ab"], ...bothEnd],
  "the upstream goes on after the caller's end": [
    ["client", "ab"],
    ["client", end],
    ["server", "cd"],
    ["server", "ef"],
    ["server", end],
  ],
  "the caller goes on after the upstream's end": [
    ["server", end],
    ["client", "ab"],
    ["client", "cd"],
    ["client", end],
  ],
  "the caller resets": [
    ["client", "ab"],
    ["server", "cd"],
    ["client", { resetsAfter: { client: "cd", server: "ab" } }],
  ],
  "the upstream resets": [
    ["server", "cd"],
    ["client", "ab"],
    ["server", { resetsAfter: { client: "cd", server: "ab" } }],
  ],
  "the caller resets after the upstream's end": [
    ["server", end],
    ["client", { resetsAfter: {} }],
  ],
  "the upstream resets after the caller's end": [
    ["client", end],
    ["server", { resetsAfter: {} }],
  ],
};

/** Of a connection that Envoy does not make. */
const unmade: Handlers = {
  ...everyCallback,
  log: `
    get_property('response.flags')
    get_property('xds.cluster_name')
    get_property('upstream.num_endpoints')
    get_property('upstream.address')
    get_property('upstream.request_attempt_count')
    get_property('upstream.transport_failure_reason')
    took = get_property('upstream.cx_pool_ready_duration')`,
};

export const tcpEnds: readonly Script[] = [
  ...Object.entries(ends).map(([title, moves]) => ({
    title: `TCP: ${title}`,
    on: everyCallback,
    connections: [moves],
  })),
  { title: "TCP: nobody listens", on: everyCallback, cluster: "closed", connections: [[]] },
  { title: "TCP: the cluster has no endpoint", on: everyCallback, cluster: "none", connections: [[]] },
  { title: "TCP: an unknown cluster", on: unmade, cluster: "unknown", connections: [[]] },
  { title: "TCP: circuit breaker: no connection is made", on: unmade, cluster: "full", connections: [[]] },
  { title: "TCP: one connection after another", on: everyCallback, connections: [bothEnd, bothEnd] },
  {
    title: "TCP: a plugin without callbacks of connections",
    on: { configure: "log(2, 'C')" },
    connections: [[["client", "ab"], ["server", "cd"], ...bothEnd]],
  },
  {
    title: "TCP: a plugin that only learns of the end",
    on: { log: "log(2, 'L')" },
    connections: [[["client", "ab"], ["server", "cd"], ...bothEnd]],
  },
];
