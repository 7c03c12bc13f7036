// Routes that answer themselves.
import type { Script } from "../script.ts";
import { attributes, noAttempt, up } from "./router-callbacks.ts";

const direct = {
  never: noAttempt,
  on: { request_headers: attributes, response_headers: attributes, response_body: "", log: attributes, done: "" },
  upstream: up,
} as const;

export const directResponses: readonly Script[] = [
  { ...direct, title: "a direct response", route: { directResponse: { status: 203, body: "from the route" } } },
  {
    ...direct,
    title: "a direct response without a body, and a filter's header in it",
    on: {
      request_headers: "",
      response_headers: "add_header_map_value(2, 'x-a', 'b')\nget_header_map_pairs(2)",
      log: "get_header_map_pairs(2)",
    },
    route: { directResponse: { status: 403 } },
  },
  {
    ...direct,
    title: "a direct response to a request with a body: retries and timeouts are nothing to it",
    requests: [{ method: "POST", headers: [["x-envoy-upstream-rq-timeout-ms", "5"]], body: ["ab", "cd"] }],
    on: { ...direct.on, request_headers: "add_header_map_value(0, 'x-envoy-max-retries', '2')", request_body: "" },
    never: [...direct.never, "request_body"],
    route: { directResponse: { status: 503, body: "no" }, attemptCount: true },
  },
  {
    ...direct,
    title: "a direct response to gRPC",
    requests: [{ method: "POST", headers: [["content-type", "application/grpc"]] }],
    never: [...direct.never, "response_body"],
    route: { directResponse: { status: 429, body: "slow down" } },
  },
];
