// Plugin and VM configuration, environment, capability restriction.
import type { Script } from "../script.ts";

const mark = "log(2, 'here')";

/** Buffers of all types, and of none. */
const buffers = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1]
  .map((type) => `get_buffer_bytes(${type}, 0, 100)\nget_buffer_status(${type})`)
  .join("\n");

export const configuration: readonly Script[] = [
  {
    title: "the plugin's configuration in parts",
    plugin: { config: "configuration" },
    on: {
      configure: `
        get_buffer_bytes(7, 0, 100)
        get_buffer_bytes(7, 3, 6)
        get_buffer_bytes(7, 12, 5)
        get_buffer_bytes(7, 13, 5)
        get_buffer_bytes(7, 14, 5)
        get_buffer_bytes(7, 9999, 5)
        get_buffer_bytes(7, 0, 0)
        get_buffer_bytes(7, -1, 5)
        get_buffer_bytes(7, 1, -1)
        get_buffer_status(7)`,
    },
  },
  {
    title: "configurations of any bytes",
    plugin: { config: Uint8Array.of(0, 255, 192), vmConfig: Uint8Array.of(254, 0) },
    on: { configure: "get_buffer_bytes(7, 0, 9)\nget_buffer_bytes(6, 0, 9)" },
  },
  {
    title: "no configuration at all",
    on: {
      vm_start: "get_buffer_bytes(6, 0, 9)\nget_buffer_status(6)",
      configure: "get_buffer_bytes(7, 0, 9)\nget_buffer_status(7)",
    },
  },
  {
    title: "the VM's configuration, also while a request runs",
    plugin: { vmConfig: "vm" },
    on: {
      vm_start: "get_buffer_bytes(6, 0, 9)\nget_buffer_bytes(7, 0, 9)",
      configure: "get_buffer_bytes(6, 0, 9)",
      request_headers:
        "get_buffer_bytes(6, 0, 9)\nget_buffer_bytes(7, 0, 9)\nget_buffer_status(6)\nget_buffer_status(7)",
    },
  },
  {
    title: "the plugin's configuration while its root is made",
    plugin: { config: "c" },
    on: { context_create: "get_buffer_bytes(7, 0, 9)" },
  },
  { title: "each buffer while a plugin is configured", plugin: { config: "c" }, on: { configure: buffers } },
  {
    title: "each buffer in the callbacks of headers, log and done",
    on: { request_headers: buffers, response_headers: buffers, log: buffers, done: buffers },
  },
  {
    title: "setting a configuration",
    plugin: { config: "c" },
    on: {
      configure:
        "set_buffer_bytes(7, 0, 1, 'x')\nset_buffer_bytes(6, 0, 1, 'x')\nset_buffer_bytes(9, 0, 1, 'x')\nget_buffer_bytes(7, 0, 9)",
    },
  },
  {
    title: "the environment",
    plugin: { environment: { NAME: "a value" } },
    on: { configure: "environ_sizes_get()\nenviron_get(&0, &64)\nshow &64 32" },
  },
  {
    title: "several variables, in no order",
    plugin: { environment: { A: "1", NAME: "a value", EMPTY: "" } },
    on: { configure: "environ_sizes_get()" },
  },
  {
    title: "no environment and no arguments",
    on: { configure: "environ_sizes_get()\nenviron_get(&0, &64)\nargs_sizes_get()\nargs_get(&0, &64)" },
  },
  {
    title: "a refused configuration",
    plugin: { config: "bad" },
    on: { configure: "log(4, 'percent is -1')\nreturn 0" },
  },
  {
    title: "a VM that does not start",
    never: ["configure"],
    on: { vm_start: "log(3, 'not today')\nreturn 0", configure: mark },
  },
  {
    title: "a refused configuration of the upstream chain alone",
    on: { configure: mark },
    upstream: { configure: "log(4, 'no')\nreturn 0" },
  },
  {
    title: "any other result takes the configuration",
    on: { configure: "return 2", vm_start: "return 255", request_headers: mark },
  },
  {
    title: "capability restriction: hostcalls that are not allowed answer InternalFailure, WASI's ENOTCAPABLE",
    plugin: {
      allowedCapabilities: ["proxy_log", "proxy_get_property", "proxy_on_context_create", "proxy_on_request_headers"],
    },
    on: {
      request_headers:
        "get_header_map_value(0, ':path')\nget_header_map_pairs(0)\nset_shared_data('k', 'v', 0)\ndefine_metric(0, 'restricted')\nsend_local_response(429, 'a', 'b', '', -1)\nclock_time_get(0, 0)\nrandom_get(&0, 8)\nfd_write(1, 'x')\nget_property('request.path')\npthread_equal(1, 1)\nget_log_level()\ncall_foreign_function('x', '')\nset_effective_context(4711)",
    },
  },
  {
    title: "capability restriction: callbacks that are not allowed are never called",
    plugin: { allowedCapabilities: ["proxy_log", "proxy_get_property", "proxy_on_context_create", "proxy_on_log"] },
    on: { log: mark, request_headers: "return 1", configure: "return 0", vm_start: "return 0" },
    never: ["request_headers", "configure", "vm_start"],
  },
  {
    title: "capability restriction: WASI by its names",
    plugin: {
      allowedCapabilities: [
        "proxy_log",
        "proxy_get_property",
        "proxy_on_context_create",
        "proxy_on_request_headers",
        "clock_time_get",
        "environ_sizes_get",
      ],
    },
    on: { request_headers: "now = clock_time_get(0, 0)\nenviron_sizes_get()\nclock_res_get(0)" },
  },
  {
    title: "capability restriction without on_context_create",
    plugin: { allowedCapabilities: ["proxy_log", "proxy_on_request_headers"] },
    on: { request_headers: mark },
  },
];
