// A filter for some of the requests, by Envoy's ExtensionWithMatcher.
import type { Script } from "../script.ts";

const mark = "log(2, 'here')";
const all = {
  context_create: mark,
  request_headers: mark,
  request_body: mark,
  response_headers: mark,
  log: mark,
  done: mark,
  delete: mark,
};
const rest = { ...all, request_body: "" };
const chosen = { method: "POST", headers: [["x-new", "1"]], body: ["abc"] } as const;
const when = ["x-new", "1"] as const;

export const shares: readonly Script[] = [
  {
    title: "a filter for requests with a header; others pass by",
    plugin: { when },
    requests: [{}, chosen, {}],
    on: all,
  },
  {
    title: "one of two versions of a filter, chosen by a header",
    plugin: { when: ["x-version", "1"] },
    requests: [{ headers: [["x-version", "1"]] }, { headers: [["x-version", "2"]] }, {}],
    on: rest,
    others: [{ rootId: "second", vm: "own code", when: ["x-version", "2"], on: rest }],
  },
  {
    title: "a header that an earlier filter writes chooses",
    on: { ...rest, request_headers: "add_header_map_value(0, 'x-new', '1')" },
    others: [{ rootId: "second", when, on: rest }],
  },
  {
    title: "a local reply of an earlier filter: nothing is chosen",
    requests: [chosen],
    never: ["second.request_headers", "second.response_headers", "second.log", "second.done", "second.delete"],
    on: { request_headers: "send_local_response(429, 'mine', 'no', '', -1)" },
    others: [{ rootId: "second", when, on: { ...rest, context_create: "" } }],
  },
  {
    title: "a local reply of a filter that was chosen",
    plugin: { when },
    requests: [{ headers: [["x-new", "1"]] }],
    on: { ...rest, request_headers: "send_local_response(429, 'mine', 'no', '', -1)" },
  },
  {
    title: "a filter of the upstream chain for requests with a header",
    requests: [{}, { headers: [["x-new", "1"]] }],
    others: [{ rootId: "up", place: "upstream", when, on: { ...rest, log: "" } }],
    never: ["up.log"],
  },
  {
    title: "a trap in a filter that was chosen: requests that pass by do not mind",
    plugin: { when },
    requests: [{ headers: [["x-new", "1"]] }, {}, { headers: [["x-new", "1"]] }],
    on: { request_headers: "trap" },
  },
  {
    title: "a filter for all requests, by chance",
    plugin: { share: 100 },
    requests: [chosen, chosen],
    on: all,
  },
  {
    title: "a filter for no request, by chance",
    plugin: { share: 0 },
    requests: [chosen, chosen],
    on: { ...all, configure: mark },
    never: ["request_headers", "request_body", "response_headers", "log", "done", "delete"],
  },
  {
    title: "without x-request-id, which a filter has removed, no share has the request",
    on: { request_headers: "remove_header_map_value(0, 'x-request-id')" },
    others: [{ rootId: "second", share: 100, on: rest }],
    never: ["second.request_headers", "second.response_headers", "second.log", "second.done", "second.delete"],
  },
  {
    title: "an access logger tells of requests that passed by",
    plugin: { when },
    requests: [{}],
    never: ["request_headers"],
    on: { request_headers: mark },
    others: [{ rootId: "second", place: "access log", on: { log: mark } }],
  },
];
