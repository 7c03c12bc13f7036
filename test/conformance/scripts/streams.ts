// Holding, continuing and closing streams, and what the actions mean.
import type { Script } from "../script.ts";

/** Starts the clock of a tick, in which the stream is the effective context. */
const tickLater = "set_tick_period_milliseconds(20)";

function inTick(steps: string): string {
  return `set_tick_period_milliseconds(0)\nset_effective_context($stream)\n${steps}`;
}

const holding = [1, 3, 4, 5, 255] as const;

export const streams: readonly Script[] = [
  ...[0, 2].map((action) => ({
    title: `action ${action} goes on`,
    on: { request_headers: `log(2, 'R')\nreturn ${action}`, response_headers: `log(2, 'A')\nreturn ${action}` },
  })),
  ...holding.map((action) => ({
    title: `action ${action} on request headers holds`,
    on: {
      tick: inTick("continue_stream(0)"),
      request_headers: `${tickLater}\nreturn ${action}`,
      response_headers: "log(2, 'A')",
    },
    until: "tick(1)",
  })),
  ...holding.map((action) => ({
    title: `action ${action} on response headers holds`,
    on: {
      tick: inTick("continue_stream(1)"),
      response_headers: `${tickLater}\nreturn ${action}`,
      log: "log(2, 'L')",
    },
    until: "tick(1)",
  })),
  {
    title: "a stop is lifted by continue_stream in the same callback, and the request headers are gone at once",
    on: {
      request_headers: "continue_stream(0)\nget_header_map_value(0, ':path')\nreturn 1",
      response_headers: "log(2, 'A')",
    },
    upstream: { request_headers: "get_header_map_value(0, ':path')" },
  },
  { title: "continue_stream(0) and then Continue", on: { request_headers: "continue_stream(0)\nreturn 0" } },
  { title: "continue_stream(1) and then Continue", on: { response_headers: "continue_stream(1)\nreturn 0" } },
  { title: "continue_stream(1) before there is a response", on: { request_headers: "continue_stream(1)" } },
  { title: "continue_stream(0) when the request has passed", on: { response_headers: "continue_stream(0)" } },
  {
    title: "continue_stream and close_stream of other streams and of none",
    on: {
      request_headers:
        "continue_stream(2)\ncontinue_stream(3)\ncontinue_stream(4)\ncontinue_stream(-1)\nclose_stream(4)\nclose_stream(-1)",
    },
  },
  {
    title: "continue_stream where there is no stream",
    on: {
      configure: "continue_stream(0)\ncontinue_stream(1)\ncontinue_stream(2)\ncontinue_stream(3)\ncontinue_stream(9)",
    },
  },
  {
    title: "close_stream where there is no stream",
    on: { configure: "close_stream(0)\nclose_stream(1)\nclose_stream(2)\nclose_stream(3)\nclose_stream(9)" },
  },
  ...["0", "1", "2", "3"].map((type) => ({
    title: `close_stream(${type}) while the request is on its way`,
    on: {
      request_headers: `close_stream(${type})\nget_header_map_value(0, ':path')`,
      log: "get_property('response.code_details')",
      done: "log(2, 'D')",
    },
  })),
  ...["0", "1"].map((type) => ({
    title: `close_stream(${type}) while the response is on its way`,
    on: {
      response_headers: `close_stream(${type})`,
      log: "get_property('response.code_details')",
      done: "log(2, 'D')",
    },
  })),
  {
    title: "close_stream of a request that is held",
    on: {
      tick: inTick("close_stream(0)"),
      request_headers: `${tickLater}\nreturn 4`,
      log: "get_property('response.code_details')\nget_property('response.flags')",
    },
    until: "tick(1)",
  },
  {
    title: "close_stream in the upstream chain",
    on: { log: "get_property('response.code_details')", done: "log(2, 'D')" },
    upstream: { request_headers: "close_stream(0)", done: "log(2, 'uD')", delete: "log(2, 'uX')" },
  },
  {
    title: "close_stream of a response in the upstream chain",
    on: { log: "get_property('response.code_details')", done: "log(2, 'D')" },
    upstream: { response_headers: "close_stream(1)", done: "log(2, 'uD')", delete: "log(2, 'uX')" },
  },
  { title: "close_stream in on_log crashes Envoy", on: { log: "close_stream(0)" } },
  { title: "close_stream in on_done", on: { done: "close_stream(0)" } },
  {
    title: "continue_stream in on_log and on_done",
    on: { log: "continue_stream(0)\ncontinue_stream(1)", done: "continue_stream(0)\ncontinue_stream(1)" },
  },
  {
    title: "a tick answers a request that is held",
    on: {
      tick: inTick("send_local_response(504, 'deadline', 'late', '', -1)"),
      request_headers: `${tickLater}\nreturn 1`,
      response_headers: "get_header_map_value(2, ':status')\nget_header_map_value(0, ':path')",
    },
    until: "tick(1)",
  },
  {
    title: "a tick answers a request whose upstream is silent",
    answers: ["nothing"],
    on: {
      tick: inTick("send_local_response(504, 'deadline', 'late', '', -1)"),
      request_headers: tickLater,
      response_headers: "get_header_map_value(2, ':status')\nget_header_map_value(0, ':path')",
      log: "get_property('response.code_details')",
    },
    upstream: { done: "log(2, 'uD')" },
    until: "tick(1)",
  },
  {
    title: "a tick sees the headers of a request that is held",
    on: {
      tick: inTick(`
        get_header_map_value(0, ':path')
        replace_header_map_value(0, 'x-tick', '1')
        continue_stream(0)
        get_header_map_value(0, 'x-tick')`),
      request_headers: `${tickLater}\nreturn 1`,
      response_headers: "get_property('request.path')",
    },
    until: "tick(1)",
  },
  {
    title: "the upstream chain holds the request and the response",
    on: {},
    upstream: {
      request_headers: "log(2, 'uR')\ncontinue_stream(0)\nreturn 1",
      response_headers: "log(2, 'uA')\ncontinue_stream(1)\nreturn 1",
    },
  },
  {
    title: "the caller goes away while the upstream has the request",
    never: ["response_headers"],
    requests: [{ leaves: true }],
    answers: ["nothing"],
    on: {
      request_headers: "log(2, 'R')",
      response_headers: "log(2, 'A')",
      log: "get_property('response.code_details')\nget_property('response.flags')\nget_property('response.code')\nget_header_map_value(0, ':path')\nget_header_map_pairs(2)",
      done: "get_property('response.code_details')",
      delete: "log(2, 'X')",
    },
    upstream: { request_headers: "log(2, 'uR')", done: "get_property('response.flags')", delete: "log(2, 'uX')" },
  },
];
