// Traps, and what the failure policies make of them.
import type { Script } from "../script.ts";

const mark = "log(2, 'here')";
const trapIfAsked = "if get_header_map_value(0, 'x-trap'): trap";
const trapping = { headers: [["x-trap", "1"]] } as const;
const requests = [{}, trapping, {}, {}] as const;
const policies = ["FAIL_CLOSED", "FAIL_OPEN", "FAIL_RELOAD"] as const;

/** Of a stream's callback; the root's done and delete come when another script runs. */
const trapOfStream = "if get_property('request.time'): trap";

const callbacks = ["request_headers", "response_headers", "log", "done", "delete"];

const stories = callbacks.map((callback, i) => ({
  title: `a trap in ${callback}`,
  requests: [{}, {}],
  on: { ...Object.fromEntries(callbacks.map((name) => [name, mark])), [callback]: trapOfStream },
  never: callbacks.slice(i + 1),
}));

export const failures: readonly Script[] = [
  ...stories,
  ...policies.map((failurePolicy) => ({
    title: `${failurePolicy} after a trap of one request`,
    plugin: { failurePolicy },
    requests,
    on: { request_headers: trapIfAsked, response_headers: mark },
  })),
  ...policies.map((failurePolicy) => ({
    title: `${failurePolicy} and a plugin that refuses its configuration`,
    never: ["request_headers"],
    plugin: { failurePolicy },
    on: { configure: "return 0", request_headers: mark },
  })),
  ...policies.map((failurePolicy) => ({
    title: `${failurePolicy} and a trap in the upstream chain`,
    never: ["response_headers"],
    plugin: { failurePolicy },
    requests: [{}, {}],
    on: { response_headers: mark },
    upstream: { request_headers: "trap" },
  })),
  {
    title: "a trap in a tick fails the requests that come after",
    on: { request_headers: mark, log: "set_tick_period_milliseconds(10)", tick: "trap" },
    requests: [{}, { after: "unreachable" }],
  },
  {
    title: "a trap in the response callback of a gRPC request",
    never: ["log"],
    requests: [{ method: "POST", headers: [["content-type", "application/grpc"]] }],
    on: { response_headers: "trap", log: mark },
  },
  {
    title: "a trap in the upstream chain's response callback is not retried",
    never: ["log", "upstream.done"],
    route: { retryOn: "5xx", attempts: 2 },
    on: { log: mark },
    upstream: { response_headers: "trap", done: mark },
  },
];
