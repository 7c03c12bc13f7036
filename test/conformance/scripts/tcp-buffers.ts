// The bytes of a connection in a network filter's hands.
import { bothEnd, end, type Move } from "../connections.ts";
import type { Script } from "../script.ts";
import { inTick, tickLater } from "./tcp-callbacks.ts";

const moves: readonly Move[] = [["client", "hello"], ["server", "world"], ...bothEnd];

/** Of both directions: the callback, the number of its buffer and of the other's. */
const directions = [
  { callback: "downstream_data", own: 2, other: 3 },
  { callback: "upstream_data", own: 3, other: 2 },
] as const;

const changes: Readonly<Record<string, string>> = {
  "more in front": "0, 0, 'x'",
  "more in front, of another start": "0, 5, ''",
  "a part at the front replaced": "0, 2, 'HE'",
  "all replaced": "0, 5, 'bye'",
  "all and more replaced": "0, 99, 'bye'",
  "all taken away": "0, 99, ''",
  "more behind": "5, 0, 'x'",
  "more behind, far": "99, 7, 'x'",
  "a part in the middle": "2, 1, 'x'",
};

export const tcpBuffers: readonly Script[] = directions
  .flatMap(({ callback, own, other }) => [
    {
      title: `TCP: parts of the bytes in ${callback}`,
      on: {
        [callback]: `
        get_buffer_status(${own})
        get_buffer_bytes(${own}, 0, 99)
        get_buffer_bytes(${own}, 1, 2)
        get_buffer_bytes(${own}, 5, 1)
        get_buffer_bytes(${own}, 6, 1)
        get_buffer_bytes(${own}, 0, 0)
        get_buffer_bytes(${own}, -1, -1)
        get_buffer_bytes(${own}, 1, -1)
        get_buffer_status(${other})
        get_buffer_bytes(${other}, 0, 9)
        set_buffer_bytes(${other}, 0, 0, 'x')`,
      },
      connections: [moves],
    },
    ...Object.entries(changes).map(([what, args]) => ({
      title: `TCP: ${what} in ${callback}`,
      on: {
        [callback]: `
        set_buffer_bytes(${own}, ${args})
        get_buffer_status(${own})
        get_buffer_bytes(${own}, 0, 99)`,
      },
      connections: [moves],
    })),
    {
      title: `TCP: ${callback} holds and changes, again and again`,
      on: { [callback]: `set_buffer_bytes(${own}, 0, 0, '<')\nset_buffer_bytes(${own}, 99, 0, '>')\nhold 1` },
      connections: [[["client", "a"], ["server", "b"], ["client", "c"], ["server", "d"], ...bothEnd]] as const,
    },
  ])
  .concat([
    {
      title: "TCP: the buffers in callbacks without bytes",
      on: {
        ...Object.fromEntries(
          ["new_connection", "downstream_connection_close", "upstream_connection_close", "done", "log", "delete"].map(
            (callback) => [
              callback,
              `
            if get_property('source.address'): get_buffer_status(2)
            if get_property('source.address'): get_buffer_bytes(2, 0, 9)
            if get_property('source.address'): get_buffer_bytes(3, 0, 9)
            if get_property('source.address'): set_buffer_bytes(2, 0, 0, 'x')
            if get_property('source.address'): set_buffer_bytes(3, 0, 0, 'x')`,
            ],
          ),
        ),
      },
      connections: [moves],
    },
    {
      title: "TCP: the other buffers",
      on: {
        downstream_data: `
        get_buffer_bytes(0, 0, 9)
        get_buffer_bytes(1, 0, 9)
        get_buffer_bytes(4, 0, 9)
        get_buffer_bytes(5, 0, 9)
        get_buffer_bytes(6, 0, 9)
        get_buffer_bytes(7, 0, 9)
        get_buffer_bytes(8, 0, 9)
        get_buffer_bytes(9, 0, 9)
        set_buffer_bytes(0, 0, 0, 'x')
        set_buffer_bytes(1, 0, 0, 'x')
        set_buffer_bytes(4, 0, 0, 'x')`,
      },
      connections: [moves],
    },
    {
      title: "TCP: what the caller's side holds, seen from the upstream's",
      on: {
        downstream_data: "hold 1",
        upstream_data: "get_buffer_bytes(2, 0, 9)\nset_buffer_bytes(2, 0, 0, 'x')\nget_buffer_bytes(3, 0, 9)",
      },
      connections: [moves],
    },
    {
      title: "TCP: what the upstream's side holds, seen from the caller's",
      on: {
        upstream_data: "hold 1",
        downstream_data: "get_buffer_bytes(3, 0, 9)\nset_buffer_bytes(3, 0, 0, 'x')\nget_buffer_bytes(2, 0, 9)",
      },
      connections: [[["server", "world"], ["client", "hello"], ...bothEnd]],
    },
    {
      title: "TCP: what is held, seen and changed from a tick",
      on: {
        downstream_data: `${tickLater}\nhold 1`,
        tick: inTick("get_buffer_bytes(2, 0, 9)\nset_buffer_bytes(2, 0, 0, 'x')\ncontinue_stream(2)"),
      },
      connections: [
        [
          ["client", "hello", "continue_stream(2) = 0"],
          ["client", end, "continue_stream(2) = 0"],
          ["server", end],
        ],
      ],
    },
    {
      title: "TCP: bytes that are set behind those that went on",
      on: {
        downstream_data: "set_tick_period_milliseconds(20)\nget_buffer_bytes(2, 0, 9)\nhold 1",
        tick: `
        set_effective_context($stream)
        get_buffer_bytes(2, 0, 9)
        set_buffer_bytes(2, 0, 0, 'x')
        continue_stream(2)
        set_tick_period_milliseconds(0)`,
        upstream_data: `
        get_buffer_bytes(2, 0, 9)
        set_buffer_bytes(2, 0, 0, 'y')`,
      },
      connections: [
        [
          ["client", "hello", "milliseconds(0) = 0"],
          ["server", "world"],
          ["client", end, "milliseconds(0) = 0"],
          ["server", end],
        ],
      ],
    },
    {
      title: "TCP: bytes at an address outside the memory",
      on: { downstream_data: "set_buffer_bytes(2, 0, 0, @nowhere)", upstream_data: "set_buffer_bytes(9, 0, 0, 'x')" },
      connections: [moves],
    },
  ]);
