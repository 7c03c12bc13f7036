// Which callbacks come when, with which arguments and contexts; ticks; clocks; the log.
import type { Script } from "../script.ts";

const mark = "log(2, 'here')";

export const lifecycle: readonly Script[] = [
  {
    title: "all callbacks of a start and a request, with their arguments",
    plugin: { config: "configuration", vmConfig: "vm", rootId: "mine" },
    on: {
      context_create: mark,
      vm_start: mark,
      configure: mark,
      request_headers: mark,
      response_headers: mark,
      log: mark,
      done: mark,
      delete: mark,
    },
  },
  {
    title: "both chains of one VM: contexts are numbered in the order in which they are made",
    on: { context_create: mark, vm_start: mark, configure: mark, request_headers: mark, delete: mark },
    upstream: { context_create: mark, vm_start: mark, configure: mark, request_headers: mark, delete: mark },
  },
  {
    title: "contexts of one request after another",
    requests: [{}, {}, {}],
    on: { context_create: mark, done: mark, delete: mark },
  },
  {
    title: "on_log comes without any other callback of the request",
    on: { log: "get_header_map_value(0, ':path')\nget_header_map_value(2, ':status')" },
  },
  {
    title: "on_done of a stream that answers false",
    on: { done: `${mark}\nreturn 0`, delete: mark },
  },
  {
    title: "proxy_done where nothing waits for it",
    on: { configure: "done()", request_headers: "done()", done: `done()\nreturn 0`, delete: mark },
  },
  {
    title: "validate_configuration is not called by Envoy",
    on: { validate_configuration: "return 0", configure: mark },
    never: ["validate_configuration"],
  },
  {
    title: "effective context: of another stream, of the root, of none",
    requests: [{ path: "/a" }],
    on: {
      configure:
        "set_effective_context(4711)\nset_effective_context(0)\nset_effective_context(1)\nset_effective_context(-1)",
      request_headers: `
        set_effective_context(4711)
        get_header_map_value(0, ':path')
        set_effective_context(1)
        get_header_map_value(0, ':path')
        get_property('plugin_root_id')
        set_effective_context($self)
        get_header_map_value(0, ':path')
        set_effective_context(0)
        get_header_map_value(0, ':path')`,
    },
  },
  {
    title: "effective context: the upstream chain reaches the downstream one's stream",
    on: { request_headers: mark, response_headers: mark },
    upstream: {
      request_headers: `
        get_property('plugin_root_id')
        set_effective_context($stream)
        get_property('plugin_root_id')
        get_header_map_value(0, ':path')
        set_property('k', 'v')
        set_effective_context($self)
        get_header_map_value(0, ':path')
        get_property('k')`,
    },
  },
  {
    title: "effective context is over with its callback",
    on: { request_headers: "set_effective_context(1)", response_headers: "get_header_map_value(2, ':status')" },
  },
  {
    title: "a tick ends when its period is 0",
    on: { request_headers: "set_tick_period_milliseconds(10)", tick: "set_tick_period_milliseconds(0)" },
    until: "tick> set_tick_period_milliseconds(0) = 0",
  },
  {
    title: "a tick that goes on is another each time",
    on: {
      request_headers: "set_tick_period_milliseconds(10)",
      tick: `
        if get_shared_data('first'): set_shared_data('second', 'x', 0)
        set_shared_data('first', 'x', 0)
        if get_shared_data('second'): set_tick_period_milliseconds(0)`,
    },
    until: "tick> set_tick_period_milliseconds(0) = 0",
  },
  {
    title: "a period of ticks that is set to 0 at once",
    never: ["tick"],
    on: { configure: "set_tick_period_milliseconds(1)\nset_tick_period_milliseconds(0)", tick: mark, log: mark },
  },
  {
    title: "a tick that is set while a plugin is configured comes in the main thread, too",
    on: { configure: "set_tick_period_milliseconds(10)", tick: "set_tick_period_milliseconds(0)" },
    until: ["tick> set_tick_period_milliseconds(0) = 0", 2],
  },
  {
    title: "clocks",
    on: {
      request_headers: `
        now = get_current_time_nanoseconds()
        now = clock_time_get(0, 0)
        now = clock_time_get(1, 0)
        clock_time_get(2, 0)
        clock_time_get(3, 0)
        clock_time_get(9, 0)
        clock_res_get(0)
        clock_res_get(1)
        clock_res_get(2)`,
    },
  },
  ...[0, 1, 2, 3, 4, 5, 6, 7, -1].map((level) => ({
    title: `log level ${level}`,
    on: { request_headers: `log(${level}, 'text')` },
  })),
  {
    title: "log of nothing, of several lines and of bytes",
    on: { request_headers: "log(2, '')\nlog(2, 'a\\x0ab')\nlog(3, '\\xc3\\xa9')\nlog(2, @nowhere)\nlog(9, @nowhere)" },
  },
  { title: "the log level", on: { configure: "get_log_level()", request_headers: "get_log_level()" } },
  {
    title: "what only the other platforms have is there and does nothing",
    on: { request_headers: "pthread_equal(1, 1)\npthread_equal(1, 2)\nemscripten_notify_memory_growth(0)" },
  },
  { title: "get_status where there is no call", on: { request_headers: "get_status()", configure: "get_status()" } },
];
