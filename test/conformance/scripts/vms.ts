// Several plugins in one VM, and in several: contexts, traps, shared data, queues.
import type { Script } from "../script.ts";

const mark = "log(2, 'here')";
const starts = { context_create: mark, vm_start: mark, configure: mark };
const trapIfAsked = "if get_header_map_value(0, 'x-trap'): trap";
const trapping = { headers: [["x-trap", "1"]] } as const;
const read = "cas = get_shared_data('k')";

export const vms: readonly Script[] = [
  {
    title: "one VM for a logger, filters and an upstream filter: roots start in the order in which Envoy loads them",
    on: { ...starts, request_headers: mark },
    others: [{ rootId: "second", on: { ...starts, request_headers: mark } }],
    upstream: { ...starts, request_headers: mark },
    logger: { ...starts, log: mark },
  },
  {
    title: "one module under two vm_ids has two VMs, whose contexts are numbered apart",
    on: { ...starts, request_headers: "get_property('plugin_root_id')\nset_effective_context(2)" },
    others: [
      {
        rootId: "second",
        vm: "own id",
        on: { ...starts, request_headers: "get_property('plugin_root_id')\nset_effective_context(3)" },
      },
    ],
  },
  {
    title: "two VM configurations of one module have two VMs",
    on: { ...starts, vm_start: "get_buffer_bytes(6, 0, 9)" },
    others: [{ rootId: "second", vmConfig: "other", on: { ...starts, vm_start: "get_buffer_bytes(6, 0, 9)" } }],
  },
  {
    title: "two environments of one module have two VMs",
    plugin: { environment: { NAME: "first" } },
    on: { configure: "environ_sizes_get()\nenviron_get(&0, &64)\nshow &64 16" },
    others: [
      {
        rootId: "second",
        environment: { NAME: "the second" },
        on: { configure: "environ_sizes_get()\nenviron_get(&0, &64)\nshow &64 16" },
      },
    ],
  },
  {
    title: "two restrictions of one module have two VMs",
    on: { request_headers: "get_header_map_value(0, ':path')" },
    others: [
      {
        rootId: "second",
        allowedCapabilities: ["proxy_log", "proxy_get_property", "proxy_on_context_create", "proxy_on_request_headers"],
        on: { request_headers: "get_header_map_value(0, ':path')" },
      },
    ],
  },
  {
    title: "equal plugins have one root",
    on: { context_create: mark, request_headers: mark, log: mark },
    others: [{ rootId: "", on: { context_create: mark, request_headers: mark, log: mark } }],
  },
  {
    title: "equal plugins but for what they do with failures have two roots",
    on: { context_create: mark, request_headers: mark },
    others: [{ rootId: "", failurePolicy: "FAIL_OPEN", on: { context_create: mark, request_headers: mark } }],
  },
  {
    title: "equal plugins but for their configuration have two roots",
    on: { request_headers: mark },
    others: [
      { rootId: "second", config: "a", on: { configure: "get_buffer_bytes(7, 0, 9)", request_headers: mark } },
      { rootId: "third", config: "b", on: { configure: "get_buffer_bytes(7, 0, 9)", request_headers: mark } },
    ],
  },
  ...(["FAIL_CLOSED", "FAIL_OPEN", "FAIL_RELOAD"] as const).map((failurePolicy) => ({
    title: `a trap in the first kills the second's VM, which is the same: ${failurePolicy}`,
    plugin: { failurePolicy },
    requests: [{}, trapping, {}],
    on: { ...starts, request_headers: trapIfAsked, response_headers: mark, log: mark },
    others: [
      { rootId: "second", failurePolicy, on: { ...starts, request_headers: mark, response_headers: mark, log: mark } },
    ],
  })),
  ...(["FAIL_CLOSED", "FAIL_OPEN", "FAIL_RELOAD"] as const).map((failurePolicy) => ({
    title: `a trap in the second kills the first's VM, which is the same: ${failurePolicy}`,
    plugin: { failurePolicy },
    requests: [{}, trapping, {}],
    on: { ...starts, request_headers: mark, response_headers: mark, log: mark },
    others: [
      {
        rootId: "second",
        failurePolicy,
        on: { ...starts, request_headers: trapIfAsked, response_headers: mark, log: mark },
      },
    ],
  })),
  {
    title: "each plugin of a VM has its own failure policy",
    plugin: { failurePolicy: "FAIL_OPEN" },
    requests: [{}, trapping, {}],
    on: { request_headers: mark },
    others: [{ rootId: "second", failurePolicy: "FAIL_RELOAD", on: { request_headers: trapIfAsked } }],
  },
  {
    title: "a trap in one VM leaves the other alone",
    requests: [trapping, {}],
    plugin: { failurePolicy: "FAIL_OPEN" },
    on: { request_headers: trapIfAsked },
    others: [{ rootId: "second", vm: "own id", on: { request_headers: mark, response_headers: mark } }],
  },
  {
    title: "a plugin that refuses its configuration takes its neighbour along",
    never: ["request_headers"],
    on: { configure: mark, request_headers: mark },
    others: [{ rootId: "second", on: { configure: "log(4, 'no')\nreturn 0" } }],
  },
  {
    title: "shared data of one VM, of one vm_id and two modules, and of two vm_ids",
    requests: [{}, {}],
    on: { request_headers: `${read}\nset_shared_data('k', 'first', 0)` },
    others: [
      { rootId: "second", on: { request_headers: read } },
      { rootId: "third", vm: "own code", on: { request_headers: `${read}\nset_shared_data('k', 'third', 0)` } },
      { rootId: "fourth", vm: "own id", on: { request_headers: `${read}\nset_shared_data('k', 'fourth', 0)` } },
    ],
  },
  {
    title: "a queue from one plugin to another of its VM",
    requests: [{}, {}],
    on: { request_headers: "queue = resolve_shared_queue('', 'q')\nenqueue_shared_queue($queue, 'item')" },
    others: [
      {
        rootId: "second",
        on: { log: "queue = register_shared_queue('q')", queue_ready: "dequeue_shared_queue($queue)" },
      },
    ],
    until: "dequeue_shared_queue",
  },
  {
    title: "a queue from one module to another of its vm_id",
    requests: [{}, {}],
    on: { request_headers: "queue = resolve_shared_queue('', 'q')\nenqueue_shared_queue($queue, 'item')" },
    others: [
      {
        rootId: "second",
        vm: "own code",
        on: { log: "queue = register_shared_queue('q')", queue_ready: "dequeue_shared_queue($queue)" },
      },
    ],
    until: "dequeue_shared_queue",
  },
  {
    title: "a queue of another vm_id is not found under one's own",
    on: { request_headers: "resolve_shared_queue('', 'q')" },
    others: [{ rootId: "second", vm: "own id", on: { configure: "queue = register_shared_queue('q')" } }],
  },
  {
    title: "a metric that two plugins define is one",
    on: { request_headers: "m = define_metric(0, 'common')\nincrement_metric($m, 2)" },
    others: [
      {
        rootId: "second",
        vm: "own id",
        on: { request_headers: "m = define_metric(0, 'common')\nincrement_metric($m, 3)\nget_metric($m)" },
      },
    ],
  },
  {
    title: "what one plugin keeps in a variable of the module another one finds there",
    on: { request_headers: "m = define_metric(0, 'kept')" },
    others: [{ rootId: "second", on: { request_headers: "increment_metric($m, 5)" } }],
  },
  {
    title: "the effective context can be another plugin's of the VM, not one of another VM",
    on: { request_headers: "set_effective_context(2)\nget_property('plugin_root_id')\nset_effective_context(5)" },
    others: [{ rootId: "second", on: { request_headers: "set_effective_context(1)\nget_property('plugin_root_id')" } }],
  },
  {
    title: "a plugin that is refused on threads only, not by the canary: requests pass without it",
    never: ["request_headers"],
    others: [{ rootId: "second", vm: "own id", on: { request_headers: mark } }],
    on: {
      configure: `
        if get_shared_data('tried'): return 0
        set_shared_data('tried', 'x', 0)`,
      request_headers: mark,
    },
  },
  {
    title: "a plugin that is refused on threads only: another one of its VM is refused",
    never: ["request_headers", "second.request_headers"],
    others: [{ rootId: "second", on: { configure: mark, request_headers: mark } }],
    on: {
      configure: `
        if get_shared_data('tried'): return 0
        set_shared_data('tried', 'x', 0)`,
      request_headers: mark,
    },
  },
  {
    title: "a plugin that traps on threads only: requests pass without it",
    never: ["request_headers"],
    on: {
      configure: `
        if get_shared_data('tried'): trap
        set_shared_data('tried', 'x', 0)`,
      request_headers: mark,
    },
  },
  {
    title: "FAIL_RELOAD and a configuration that is refused when the VM is reloaded",
    plugin: { failurePolicy: "FAIL_RELOAD" },
    requests: [trapping, {}, {}],
    never: ["response_headers"],
    on: {
      configure: `
        if get_shared_data('trapped'): return 0
        cas = get_shared_data('trapped')`,
      request_headers: `
        set_shared_data('trapped', 'x', 0)
        trap`,
      response_headers: mark,
    },
  },
  {
    title: "FAIL_RELOAD long before its back-off is over",
    plugin: { failurePolicy: "FAIL_RELOAD", reloadBackOffMs: 3_600_000 },
    requests: [{}, trapping, {}, {}],
    on: { ...starts, request_headers: trapIfAsked, response_headers: mark },
  },
];
