// Header maps of requests and responses: what each hostcall answers in each phase.
import type { Script } from "../script.ts";
import { inPhases, inUpstreamPhases } from "./phases.ts";

const request = {
  path: "/a?b=1",
  headers: [
    ["x-two", "1"],
    ["x-two", "2"],
    ["x-empty", ""],
  ],
} as const;

/** A map that Envoy can send. */
const restored =
  "set_header_map_pairs(0, {':authority': 'a', ':path': '/', ':method': 'GET', ':scheme': 'http', 'x-forwarded-proto': 'http'})";

const answers = [
  {
    status: 200,
    headers: [
      ["x-two", "1"],
      ["x-two", "2"],
      ["x-empty", ""],
    ],
  },
] as const;

const reading: readonly Script[] = [
  {
    title: "a header is found in any case, host is :authority, an absent one is NotFound",
    requests: [request],
    on: {
      request_headers: `
        get_header_map_value(0, 'x-two')
        get_header_map_value(0, 'X-TWO')
        get_header_map_value(0, 'host')
        get_header_map_value(0, 'Host')
        get_header_map_value(0, ':authority')
        get_header_map_value(0, 'x-none')
        get_header_map_value(0, '')`,
    },
  },
  {
    title: "an empty header is Ok and null",
    requests: [request],
    on: { request_headers: "get_header_map_value(0, 'x-empty')" },
  },
  {
    title: "pairs have all values of a name, the pseudo headers first",
    requests: [request],
    answers,
    on: { request_headers: "get_header_map_pairs(0)", response_headers: "get_header_map_pairs(2)" },
    upstream: { request_headers: "get_header_map_pairs(0)", response_headers: "get_header_map_pairs(2)" },
  },
  {
    title: "the size of a map is in bytes",
    requests: [{ ...request, headers: [...request.headers, ["x-request-id", "a"]] }],
    answers,
    on: { request_headers: "get_header_map_size(0)", log: "get_header_map_size(0)\nget_header_map_size(2)" },
    upstream: { request_headers: "get_header_map_size(0)", response_headers: "get_header_map_size(2)" },
  },
  {
    title: "bytes that are not UTF-8 pass both ways",
    requests: [{ headers: [["x-bytes", "\xff\xc0\xa7 \xe9"]] }],
    answers: [{ status: 200, headers: [["x-bytes", "\x80\xfe"]] }],
    on: {
      request_headers: "get_header_map_value(0, 'x-bytes')\nreplace_header_map_value(0, 'x-mine', '\\xf0\\x9f')",
      response_headers: "get_header_map_value(2, 'x-bytes')",
    },
  },
  {
    title: "the map of the other phase, and maps that never are, are BadArgument",
    on: {
      request_headers: `
        get_header_map_value(2, ':status')
        get_header_map_pairs(2)
        get_header_map_size(2)
        add_header_map_value(2, 'x-a', '1')
        replace_header_map_value(2, 'x-a', '1')
        remove_header_map_value(2, 'x-a')
        set_header_map_pairs(2, {'x-a': '1'})`,
      response_headers: `
        get_header_map_value(0, ':path')
        get_header_map_pairs(0)
        get_header_map_size(0)
        add_header_map_value(0, 'x-a', '1')
        replace_header_map_value(0, 'x-a', '1')
        remove_header_map_value(0, 'x-a')
        set_header_map_pairs(0, {'x-a': '1'})`,
    },
  },
  ...[1, 3, 4, 5, 6, 7, 8, 100, -1].map((map) => ({
    title: `map ${map} in each phase`,
    on: inPhases(`
      get_header_map_value(${map}, 'x')
      get_header_map_pairs(${map})
      get_header_map_size(${map})
      add_header_map_value(${map}, 'x', 'y')
      replace_header_map_value(${map}, 'x', 'y')
      remove_header_map_value(${map}, 'x')
      set_header_map_pairs(${map}, {'x': 'y'})`),
  })),
  {
    title: "request headers in each phase",
    requests: [request],
    on: inPhases("get_header_map_value(0, ':path')\nget_header_map_pairs(0)\nget_header_map_size(0)"),
    upstream: inUpstreamPhases("get_header_map_value(0, ':path')\nget_header_map_pairs(0)\nget_header_map_size(0)"),
  },
  {
    title: "response headers in each phase",
    answers,
    on: inPhases("get_header_map_value(2, ':status')\nget_header_map_pairs(2)"),
    upstream: inUpstreamPhases("get_header_map_value(2, ':status')\nget_header_map_pairs(2)\nget_header_map_size(2)"),
  },
  {
    title: "headers while a plugin is configured",
    on: {
      configure:
        "get_header_map_value(0, ':path')\nget_header_map_pairs(0)\nget_header_map_size(0)\nadd_header_map_value(0, 'x', 'y')",
    },
  },
  {
    title: "an address outside the memory is InvalidMemoryAccess, before the map is looked at",
    on: {
      request_headers: `
        get_header_map_value(0, @nowhere)
        get_header_map_value(2, @nowhere)
        get_header_map_value(9, @nowhere)
        add_header_map_value(0, @nowhere, 'x')
        add_header_map_value(0, 'x', @nowhere)
        replace_header_map_value(0, @nowhere, @nowhere)
        remove_header_map_value(0, @nowhere)
        set_header_map_pairs(0, @nowhere)
        get_header_map_pairs(0)`,
    },
  },
];

const writing: readonly Script[] = [
  {
    title: "add appends a value in lower case, replace leaves one at the end, remove takes all",
    requests: [request],
    answers,
    on: {
      request_headers: `
        add_header_map_value(0, 'X-Two', '3')
        get_header_map_pairs(0)
        replace_header_map_value(0, 'X-TWO', '4')
        get_header_map_pairs(0)
        remove_header_map_value(0, 'x-two')
        remove_header_map_value(0, 'x-none')
        get_header_map_value(0, 'x-two')
        replace_header_map_value(0, 'x-new', '')
        add_header_map_value(0, 'x-empty', '')
        get_header_map_pairs(0)`,
      response_headers: `
        add_header_map_value(2, 'X-Two', '3')
        replace_header_map_value(2, 'x-new', 'a')
        remove_header_map_value(2, 'x-empty')
        get_header_map_pairs(2)`,
    },
  },
  {
    title: "add joins the value of an inline header with a comma",
    on: {
      request_headers: [
        "accept",
        "accept-encoding",
        "authorization",
        "cache-control",
        "content-type",
        "cookie",
        "grpc-timeout",
        "origin",
        "referer",
        "user-agent",
        "via",
        "x-envoy-retry-on",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-client-cert",
        "x-ot-span-context",
        "x-b3-traceid",
        "traceparent",
      ]
        .map(
          (name) =>
            `add_header_map_value(0, '${name}', '1')\nadd_header_map_value(0, '${name}', '2')\nget_header_map_value(0, '${name}')`,
        )
        .join("\n"),
    },
  },
  {
    title: "add joins the value of an inline header of a response",
    on: {
      response_headers: [
        "server",
        "date",
        "via",
        "etag",
        "vary",
        "location",
        "content-encoding",
        "cache-control",
        "set-cookie",
        "grpc-status",
        "grpc-message",
        "x-envoy-ratelimited",
        "access-control-allow-origin",
        "expires",
        "age",
      ]
        .map(
          (name) =>
            `add_header_map_value(2, '${name}', '1')\nadd_header_map_value(2, '${name}', '2')\nget_header_map_value(2, '${name}')`,
        )
        .join("\n"),
    },
  },
  {
    title: "pseudo headers can be replaced and added to",
    requests: [request],
    on: {
      request_headers: `
        replace_header_map_value(0, ':path', '/other?x=2')
        replace_header_map_value(0, ':authority', 'other.test')
        replace_header_map_value(0, ':method', 'PUT')
        get_header_map_pairs(0)`,
      response_headers: "replace_header_map_value(2, ':status', '201')\nget_header_map_pairs(2)",
    },
  },
  {
    title: "host is an alias of :authority when written, too",
    on: {
      request_headers: `
        replace_header_map_value(0, 'host', 'other.test')
        get_header_map_pairs(0)
        remove_header_map_value(0, 'Host')
        get_header_map_value(0, ':authority')
        add_header_map_value(0, 'host', 'third.test')
        get_header_map_pairs(0)`,
      response_headers: "replace_header_map_value(2, 'host', 'x')\nget_header_map_pairs(2)",
    },
  },
  {
    title: "set_header_map_pairs puts a new map in the place of the old one",
    requests: [request],
    on: {
      request_headers: `
        set_header_map_pairs(0, {':authority': 'new.test', ':path': '/new', ':method': 'POST', ':scheme': 'http', 'x-forwarded-proto': 'http', 'X-A': '1', 'x-a': '2', 'x-empty': ''})
        get_header_map_pairs(0)`,
      response_headers: "set_header_map_pairs(2, {':status': '202', 'x-b': '1'})\nget_header_map_pairs(2)",
    },
  },
  {
    title: "without x-forwarded-proto no route is found",
    on: { request_headers: "remove_header_map_value(0, 'x-forwarded-proto')" },
  },
  {
    title: "a malformed block of pairs empties the map silently",
    on: {
      response_headers: `
        set_header_map_pairs(2, 'xyz')
        get_header_map_pairs(2)
        replace_header_map_value(2, ':status', '200')`,
    },
  },
  {
    title: "a block of pairs that is cut short empties the map, too",
    on: {
      response_headers: `
        set_header_map_pairs(2, '\\x01\\x00\\x00\\x00\\x01\\x00\\x00\\x00\\x01\\x00\\x00\\x00a\\x00')
        get_header_map_pairs(2)
        replace_header_map_value(2, ':status', '200')`,
    },
  },
  {
    title: "a block of 1,024 pairs is the largest; one of more empties the map",
    on: {
      request_headers: `
        set_header_map_pairs(0, {'a': 'b'} * 1024)
        get_header_map_size(0)
        set_header_map_pairs(0, {'a': 'b'} * 1025)
        get_header_map_size(0)
        ${restored}`,
    },
  },
  {
    title: "a block of pairs of more than 1 MiB empties the map",
    on: {
      request_headers: `
        set_header_map_pairs(0, {'a': '${"b".repeat(1012)}'} * 1024)
        get_header_map_size(0)
        set_header_map_pairs(0, {'a': '${"b".repeat(1013)}'} * 1024)
        get_header_map_size(0)
        ${restored}`,
    },
  },
  {
    title: "an empty block of pairs empties the map",
    on: {
      response_headers:
        "set_header_map_pairs(2, '')\nget_header_map_pairs(2)\nreplace_header_map_value(2, ':status', '200')",
    },
  },
  {
    title: "an empty name",
    on: {
      request_headers: "add_header_map_value(0, '', 'x')\nget_header_map_value(0, '')\nremove_header_map_value(0, '')",
    },
  },
  {
    title: "what the filter of the upstream chain writes, the next attempt has",
    route: { retryOn: "5xx", attempts: 1 },
    answers: [{ status: 503 }, { status: 200 }],
    on: { log: "get_header_map_value(0, 'x-added')\nget_header_map_value(0, 'x-replaced')\nget_header_map_pairs(0)" },
    upstream: {
      request_headers: `
        add_header_map_value(0, 'x-added', '1')
        replace_header_map_value(0, 'x-replaced', '1')
        get_header_map_pairs(0)`,
    },
  },
  {
    title: "what the upstream chain writes into the response, the downstream chain and the caller have",
    upstream: { response_headers: "add_header_map_value(2, 'x-up', '1')" },
    on: { response_headers: "get_header_map_value(2, 'x-up')" },
  },
  {
    title: "response headers can be written in on_log, to no effect",
    on: { log: "replace_header_map_value(2, 'x-late', '1')\nget_header_map_value(2, 'x-late')" },
  },
  {
    title: "control headers of a caller are dropped, and hop-by-hop ones",
    requests: [
      {
        headers: [
          ["x-envoy-retry-on", "5xx"],
          ["x-envoy-max-retries", "9"],
          ["x-envoy-upstream-rq-timeout-ms", "1"],
          ["x-envoy-expected-rq-timeout-ms", "1"],
          ["x-envoy-attempt-count", "7"],
          ["x-envoy-original-path", "/x"],
          ["x-envoy-internal", "true"],
          ["x-envoy-decorator-operation", "x"],
          ["te", "trailers"],
        ],
      },
    ],
    on: { request_headers: "get_header_map_pairs(0)" },
  },
  {
    title: "forwarding headers of a caller stay",
    requests: [
      {
        headers: [
          ["x-forwarded-for", "10.0.0.1"],
          ["x-forwarded-proto", "https"],
          ["x-forwarded-host", "a"],
          ["forwarded", "for=x"],
        ],
      },
    ],
    on: { request_headers: "get_header_map_pairs(0)" },
  },
  {
    title: "headers that the upstream sends of Envoy's own",
    answers: [
      {
        status: 200,
        headers: [
          ["server", "mine"],
          ["date", "Thu, 01 Jan 2026 00:00:00 GMT"],
          ["x-envoy-upstream-service-time", "7"],
          ["via", "x"],
        ],
      },
    ],
    on: { response_headers: "get_header_map_pairs(2)", log: "get_header_map_pairs(2)" },
  },
  {
    title: "a value with line breaks",
    on: {
      request_headers:
        "replace_header_map_value(0, 'x-a', 'a\\x0d\\x0ab: c')\nget_header_map_value(0, 'x-a')\nremove_header_map_value(0, 'x-a')",
    },
  },
];

export const headers: readonly Script[] = [...reading, ...writing];
