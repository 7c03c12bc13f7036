// Traps of a network filter, and what the failure policies make of them.
import { bothEnd, type Move } from "../connections.ts";
import type { Script } from "../script.ts";
import { everyCallback, inTick, tickLater } from "./tcp-callbacks.ts";

const moves: readonly Move[] = [["client", "hello"], ["server", "world"], ...bothEnd];
/** What is done until the callback comes: in the others Envoy is closing already. */
const movesUntil: Readonly<Record<string, readonly Move[]>> = {
  context_create: [],
  new_connection: [],
  downstream_data: moves.slice(0, 1),
  upstream_data: moves.slice(0, 2),
};
/** Envoy closes it at once. */
const atOnce: readonly Move[] = [];
const policies = ["FAIL_CLOSED", "FAIL_OPEN", "FAIL_RELOAD"] as const;

/** Of a connection's context; the root's done and delete come when another script runs. */
const trapOfConnection = "if get_property('source.address'): trap";

export const tcpFailures: readonly Script[] = [
  ...Object.keys(everyCallback).map((callback) => ({
    title: `TCP: a trap in ${callback}`,
    on: { ...everyCallback, [callback]: trapOfConnection },
    connections: [movesUntil[callback] ?? moves, atOnce],
  })),
  ...policies.map((failurePolicy) => ({
    title: `TCP: ${failurePolicy} after a trap in new_connection`,
    plugin: { failurePolicy },
    on: { ...everyCallback, new_connection: "trap" },
    connections: [atOnce, failurePolicy === "FAIL_OPEN" ? moves : atOnce],
  })),
  ...policies.map((failurePolicy) => ({
    title: `TCP: ${failurePolicy} after a trap in downstream_data`,
    plugin: { failurePolicy },
    on: { ...everyCallback, downstream_data: "trap" },
    connections: [
      moves.slice(0, 1),
      { FAIL_CLOSED: atOnce, FAIL_OPEN: moves, FAIL_RELOAD: moves.slice(0, 1) }[failurePolicy],
    ],
  })),
  {
    title: "TCP: a trap in a tick closes the connection with its next bytes",
    on: { ...everyCallback, downstream_data: tickLater, tick: inTick("trap") },
    connections: [
      [
        ["client", "hello", "unreachable"],
        ["client", "hello"],
      ],
      atOnce,
    ],
  },
  {
    title: "TCP: a plugin that refuses its configuration",
    on: { configure: "return 0", new_connection: "" },
    never: ["new_connection"],
    connections: [moves],
  },
];
