// What a network filter's results mean, and how it goes on and closes.
import { bothEnd, end, type Move } from "../connections.ts";
import type { Script } from "../script.ts";
import { everyCallback, inTick, tickLater } from "./tcp-callbacks.ts";

const twoWays: readonly Move[] = [
  ["client", "ab"],
  ["client", "cd"],
  ["server", "ef"],
  ["server", "gh"],
];
/** What Envoy has not read when the filter lets the connection go on. */
const unreadResets: Readonly<Record<string, readonly Move[]>> = {
  "while the filter holds the connection": [["client", { resetsAfter: {} }, ""]],
  "while the filter holds the connection, after some bytes": [
    ["client", "ab", ""],
    ["client", { resetsAfter: {} }, ""],
  ],
  "while the filter holds the connection, after its end": [
    ["client", "ab", ""],
    ["client", end, ""],
    ["client", { resetsAfter: {} }, ""],
    ["server", end, ""],
  ],
};
/** Logged in a tick. */
const wentOn = "continue_stream(2) = 0";

export const tcpActions: readonly Script[] = [
  {
    title: "TCP: a held connection goes on in a tick",
    on: {
      ...everyCallback,
      new_connection: `${tickLater}\nreturn 1`,
      tick: inTick("continue_stream(2)"),
    },
    connections: [[["client", "ab", "downstream_data(2, 2"], ["server", "cd"], ...bothEnd]],
  },
  {
    title: "TCP: a held connection hears nothing, and goes on when it is told to at once",
    on: { ...everyCallback, new_connection: "continue_stream(2)\nreturn 1" },
    connections: [[["client", "ab"], ["server", "cd"], ...bothEnd]],
  },
  {
    title: "TCP: continue_stream(2) and then Continue of a new connection",
    on: { ...everyCallback, new_connection: "continue_stream(2)" },
    connections: [[["client", "ab"], ["server", "cd"], ...bothEnd]],
  },
  {
    title: "TCP: a held connection hears nothing of its caller, until it is closed",
    on: {
      ...everyCallback,
      new_connection: "set_tick_period_milliseconds(300)\nreturn 1",
      tick: inTick("close_stream(2)"),
    },
    connections: [
      [
        ["client", "ab", ""],
        ["client", end, ""],
      ],
    ],
  },
  ...Object.entries(unreadResets).map(([title, moves]) => ({
    title: `TCP: the caller resets ${title}`,
    on: {
      ...everyCallback,
      new_connection: "set_tick_period_milliseconds(500)\nreturn 1",
      tick: inTick("continue_stream(2)"),
    },
    connections: [moves],
    until: "downstream_connection_close(",
  })),
  ...[1, 2, 255].map((action) => ({
    title: `TCP: ${action} of the caller's bytes holds them`,
    on: { ...everyCallback, downstream_data: `get_buffer_bytes(2, 0, 99)\nhold ${action}` },
    connections: [[...twoWays, ...bothEnd]],
  })),
  ...[1, 2, 255].map((action) => ({
    title: `TCP: ${action} of the upstream's bytes holds them`,
    on: { ...everyCallback, upstream_data: `get_buffer_bytes(3, 0, 99)\nhold ${action}` },
    connections: [[...twoWays, ...bothEnd]],
  })),
  {
    title: "TCP: the caller's end can be held",
    on: { ...everyCallback, downstream_data: "get_buffer_bytes(2, 0, 99)\nreturn 1" },
    connections: [[...twoWays, ["client", end, "downstream_data(2, 4, 1)"], ["server", end]]],
  },
  {
    title: "TCP: the caller's end is held, and the upstream resets",
    on: { ...everyCallback, downstream_data: "get_buffer_bytes(2, 0, 99)\nreturn 1" },
    connections: [
      [
        ["client", "ab"],
        ["client", end, "downstream_data(2, 2, 1)"],
        ["server", { resetsAfter: {} }],
      ],
    ],
  },
  {
    title: "TCP: the upstream's end can be held",
    on: { ...everyCallback, upstream_data: "get_buffer_bytes(3, 0, 99)\nreturn 1" },
    connections: [[...twoWays, ["server", end, "upstream_data(2, 4, 1)"], ["client", end]]],
  },
  ...[0, 1].map((action) => ({
    title: `TCP: continue_stream(2) among the caller's bytes, and then ${action}`,
    on: {
      ...everyCallback,
      downstream_data: `get_buffer_bytes(2, 0, 99)\ncontinue_stream(2)\nget_buffer_bytes(2, 0, 99)\nreturn ${action}`,
    },
    connections: [[...twoWays, ...bothEnd]],
  })),
  {
    title: "TCP: bytes that go on in a tick pass by the filter, and those behind them do not",
    on: {
      ...everyCallback,
      downstream_data: `${tickLater}\nhold 1`,
      tick: inTick("get_buffer_bytes(2, 0, 99)\ncontinue_stream(2)\nget_buffer_bytes(2, 0, 99)"),
    },
    connections: [
      [
        ["client", "ab", wentOn],
        ["client", "cd", wentOn],
        ["client", end, wentOn],
        ["server", end],
      ],
    ],
  },
  {
    title: "TCP: an end that is held goes on in a tick",
    on: {
      ...everyCallback,
      downstream_data: `${tickLater}\nreturn 1`,
      tick: inTick("continue_stream(2)"),
    },
    connections: [
      [
        ["client", "ab", wentOn],
        ["client", end, wentOn],
        ["server", end],
      ],
    ],
  },
  {
    title: "TCP: the other streams can't go on, and are not closed",
    on: {
      ...everyCallback,
      new_connection: `
        continue_stream(0)
        continue_stream(1)
        continue_stream(3)
        continue_stream(4)
        close_stream(0)
        close_stream(1)
        close_stream(4)`,
    },
    connections: [bothEnd],
  },
  ...["2", "3"].flatMap((type) => [
    {
      title: `TCP: close_stream(${type}) of a new connection`,
      on: { ...everyCallback, new_connection: `close_stream(${type})` },
      connections: [[]],
    },
    {
      title: `TCP: close_stream(${type}) of a new connection that is held`,
      on: { ...everyCallback, new_connection: `close_stream(${type})\nreturn 1` },
      connections: [[]],
    },
    ...[0, 1].map((action) => ({
      title: `TCP: close_stream(${type}) among the caller's bytes, and then ${action}`,
      on: { ...everyCallback, downstream_data: `close_stream(${type})\nreturn ${action}` },
      connections: [
        [
          ["server", "ef"],
          ["client", "ab"],
        ] as const,
      ],
    })),
    ...[0, 1].map((action) => ({
      title: `TCP: close_stream(${type}) among the upstream's bytes, and then ${action}`,
      on: { ...everyCallback, upstream_data: `close_stream(${type})\nreturn ${action}` },
      connections: [
        [
          ["client", "ab"],
          ["server", "ef"],
        ] as const,
      ],
    })),
    {
      title: `TCP: close_stream(${type}) in a tick`,
      on: { ...everyCallback, downstream_data: tickLater, tick: inTick(`close_stream(${type})`) },
      connections: [[["client", "ab"]] as const],
    },
    ...["upstream_connection_close", "downstream_connection_close", "done", "log", "delete"].map((callback) => ({
      title: `TCP: close_stream(${type}) in ${callback}`,
      on: { ...everyCallback, [callback]: `if get_property('source.address'): close_stream(${type})` },
      connections: [
        [
          ["server", end],
          ["client", end],
        ] as const,
      ],
    })),
  ]),
  {
    title: "TCP: close_stream(2) at the upstream's end",
    on: { ...everyCallback, upstream_data: "close_stream(2)" },
    connections: [[["server", end]]],
  },
  {
    title: "TCP: close_stream(2) at the caller's end",
    on: { ...everyCallback, downstream_data: "close_stream(2)" },
    connections: [[["client", end]]],
  },
  {
    title: "TCP: close_stream(2) twice, and continue_stream(2)",
    on: { ...everyCallback, downstream_data: "close_stream(2)\nclose_stream(2)\ncontinue_stream(2)\nreturn 1" },
    connections: [[["client", "ab"]]],
  },
  {
    title: "TCP: continue_stream(2) and then close_stream(2)",
    on: { ...everyCallback, downstream_data: "continue_stream(2)\nclose_stream(2)\nreturn 1" },
    connections: [[["client", "ab"]]],
  },
  {
    title: "TCP: continue_stream(2) when the connection is over",
    on: {
      ...everyCallback,
      downstream_connection_close: "continue_stream(2)",
      done: "continue_stream(2)",
      log: "continue_stream(2)",
      delete: "continue_stream(2)",
    },
    connections: [bothEnd],
  },
];
