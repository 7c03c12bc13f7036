// A plugin is replaced while Envoy runs, as by ECDS: who starts, who ends, what stays.
import type { Script } from "../script.ts";

const mark = "log(2, 'here')";
const life = { context_create: mark, vm_start: mark, configure: mark, done: mark, delete: mark };
const read = "cas = get_shared_data('k')";
const write = "set_shared_data('k', 'v', 0)";

export const swaps: readonly Script[] = [
  {
    title: "new configuration: the VM stays, the new root starts before the old one ends",
    plugin: { config: "a" },
    on: { ...life, configure: "get_buffer_bytes(7, 0, 9)", request_headers: mark },
    requests: [{}, { swap: { plugin: { config: "b" }, until: [": delete(1)", 2] } }],
  },
  {
    title: "another failure policy: a new root",
    on: { ...life, request_headers: mark },
    requests: [{}, { swap: { plugin: { failurePolicy: "FAIL_OPEN" }, until: [": delete(1)", 2] } }],
  },
  {
    title: "new code under the same vm_id: a new VM, and the old one ends",
    on: { ...life, request_headers: write },
    requests: [{}, { swap: { on: { ...life, request_headers: `${read}\n${mark}` }, until: [": delete(1)", 2] } }],
  },
  {
    title: "new VM configuration: a new VM",
    plugin: { vmConfig: "a" },
    on: { ...life, vm_start: "get_buffer_bytes(6, 0, 9)", request_headers: read },
    requests: [{}, { swap: { plugin: { vmConfig: "b" }, until: [": delete(1)", 2] } }],
  },
  {
    title: "shared data survives a swap of the code under the same vm_id",
    on: { request_headers: write },
    requests: [{}, { swap: { on: { request_headers: `${read}\n${mark}` } } }],
  },
  {
    title: "shared data dies with the last VM of its vm_id",
    on: { request_headers: `${read}\n${write}`, delete: "set_shared_data('gone', 'x', 0)" },
    requests: [
      {},
      { swap: { plugin: { rootId: "other", vm: "own id" }, on: { request_headers: read }, until: ["'gone'", 3] } },
      { swap: { plugin: {}, on: { request_headers: `${read}\n${write}`, delete: "set_shared_data('gone', 'x', 0)" } } },
    ],
  },
  {
    title: "a plugin beside the one that is swapped goes on, in the VM of both",
    plugin: { config: "a" },
    on: { ...life, request_headers: mark },
    others: [{ rootId: "second", on: { ...life, request_headers: mark } }],
    requests: [{}, { swap: { plugin: { config: "b" }, until: [": delete(2)", 2] } }],
  },
  {
    title: "a request in flight stays with the plugin that it began with",
    plugin: { config: "a" },
    on: { ...life, request_headers: mark, response_headers: mark, log: mark },
    requests: [{ swap: { plugin: { config: "b" }, when: "in flight", until: [": delete(1)", 1] } }, {}],
  },
  {
    title: "a request in flight stays with the code that it began with",
    on: { ...life, request_headers: mark, response_headers: "log(2, 'old')", log: mark },
    requests: [
      {
        swap: {
          on: { ...life, request_headers: mark, response_headers: "log(2, 'new')" },
          when: "in flight",
          until: [": delete(1)", 1],
        },
      },
      {},
    ],
  },
  {
    title: "a swap that is refused changes nothing",
    plugin: { config: "a" },
    on: { ...life, configure: "get_buffer_bytes(7, 0, 9)", request_headers: mark },
    requests: [{}, { swap: { on: { configure: "return 0" }, isRefused: true } }],
  },
  {
    title: "a swap whose module is refused changes nothing",
    on: { ...life, request_headers: mark },
    requests: [{}, { swap: { on: { vm_start: "trap" }, isRefused: true } }],
  },
  {
    title: "a swap mends a plugin whose VM is dead",
    on: { request_headers: "trap" },
    requests: [{}, {}, { swap: { on: { request_headers: mark } } }],
  },
  {
    title: "a swap of the configuration mends a plugin whose VM is dead",
    plugin: { config: "a" },
    on: { ...life, request_headers: "if get_header_map_value(0, 'x-trap'): trap", log: mark },
    requests: [{ headers: [["x-trap", "1"]] }, { swap: { plugin: { config: "b" }, until: [": delete(1)", 1] } }],
  },
  {
    title: "a root that is not done yet is gone with its VM",
    on: { done: "set_tick_period_milliseconds(10)\nreturn 0", tick: "done()", delete: mark },
    requests: [{ swap: { on: { request_headers: mark, log: mark }, until: [": done(1)", 2] } }],
    never: ["tick", "delete"],
  },
  {
    title: "ticks of the old root end with it",
    on: { configure: "set_tick_period_milliseconds(3600000)", tick: mark, delete: mark, request_headers: mark },
    requests: [{}, { swap: { on: { request_headers: mark }, until: [": delete(1)", 2] } }],
    never: ["tick"],
  },
  {
    title: "a metric that the new code defines when it starts goes on",
    on: { request_headers: "m = define_metric(0, 'goes_on')\nincrement_metric($m, 2)", delete: mark },
    requests: [
      {},
      {
        swap: {
          on: {
            configure: "m = define_metric(0, 'goes_on')",
            request_headers: "increment_metric($m, 3)\nget_metric($m)",
          },
          until: [": delete(1)", 2],
        },
      },
    ],
  },
  {
    title: "a metric that the new code defines when the old one is gone begins anew",
    on: { request_headers: "m = define_metric(0, 'anew')\nincrement_metric($m, 2)", delete: mark },
    requests: [
      {},
      {
        swap: {
          on: { request_headers: "m = define_metric(0, 'anew')\nincrement_metric($m, 3)\nget_metric($m)" },
          until: [": delete(1)", 2],
        },
      },
    ],
  },
  {
    title: "an HTTP call of the old root: its answer does not come",
    answers: ["nothing"],
    cluster: "none",
    never: ["http_call_response"],
    on: {
      request_headers: "http_call('open', {':method': 'GET', ':path': '/', ':authority': 'a'}, '', '', 3600000)",
      http_call_response: mark,
      delete: mark,
    },
    requests: [{}, { swap: { on: { request_headers: mark }, until: [": delete(1)", 2] } }],
  },
];
