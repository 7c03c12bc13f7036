// CEL over attributes: expr_create, expr_evaluate and expr_delete.
import type { Script } from "../script.ts";

/** Compiles each expression and evaluates it at once: Envoy numbers them from 0. */
function evaluating(expressions: readonly string[]): string {
  return expressions
    .map((text, i) => {
      const source = text.replaceAll("\\", "\\\\").replaceAll("'", "\\'");
      return `call_foreign_function('expr_create', '${source}')\ncall_foreign_function('expr_evaluate', '\\x${i.toString(16).padStart(2, "0")}\\x00\\x00\\x00')`;
    })
    .join("\n");
}

const request = {
  method: "POST",
  path: "/a/b?x=1&y=2",
  headers: [
    ["x-a", "1"],
    ["x-b", "one"],
    ["x-b", "two"],
    ["user-agent", "probe/1.0"],
  ],
} as const;

/** What all of these see is the request on its way. */
function inRequest(title: string, ...expressions: string[]): Script {
  return {
    title: `expressions: ${title}`,
    requests: [request],
    on: { request_headers: evaluating(expressions) },
  };
}

export const expressions: readonly Script[] = [
  inRequest(
    "each type is written in its bytes",
    "1",
    "-1",
    "1u",
    "1.5",
    "true",
    "false",
    '"text"',
    '""',
    'b"\\x00a"',
    "null",
  ),
  inRequest(
    "lists and maps are blocks of pairs",
    "[]",
    '["a", "b"]',
    "[1, 2]",
    "{}",
    '{"a": 1}',
    '{"a": "b"}',
    "{1: true}",
    '[["a"]]',
  ),
  inRequest(
    "durations and timestamps are nanoseconds",
    'duration("1.5s")',
    'timestamp("2026-01-01T00:00:00Z")',
    'timestamp("2026-01-01T00:00:00Z") + duration("1h")',
    'timestamp("2026-01-01T10:20:30Z").getHours()',
    "timestamp(0)",
    'duration("90s").getMinutes()',
  ),
  inRequest(
    "arithmetic and its errors",
    "1 + 2 * 3",
    "7 / 2",
    "7 % 2",
    "7.0 / 2.0",
    "1 / 0",
    "1 % 0",
    "9223372036854775807 + 1",
    "1 + 1u",
    "1 + 1.0",
    "-(5)",
    '"a" + "b"',
    "[1] + [2]",
    'b"a" + b"b"',
  ),
  inRequest(
    "comparison, logic and the ternary",
    "1 < 2",
    '"a" < "b"',
    "1 == 1.0",
    "1 == 1u",
    '1 == "1"',
    "true && false",
    "true || 1 / 0 == 1",
    "false && 1 / 0 == 1",
    "1 / 0 == 1 || false",
    "!true",
    'true ? "a" : "b"',
    "1 ? 2 : 3",
    '"a" in ["a"]',
    '"a" in {"a": 1}',
    "1 in [1.0]",
  ),
  inRequest(
    "functions of texts",
    '"hello".startsWith("he")',
    '"hello".endsWith("lo")',
    '"hello".contains("ell")',
    '"hello".matches("^h.*o$")',
    'matches("hello", "l+")',
    '"hello".matches("(")',
    'size("héllo")',
    'size(b"\\xff\\xfe")',
    '"héllo".size()',
    "size([1, 2])",
    'size({"a": 1})',
    '"HeLLo".lowerAscii()',
    '"a,b".split(",")',
    '"hello".charAt(1)',
    '"a".replace("a", "b")',
  ),
  inRequest(
    "conversions",
    'int("12")',
    'int("x")',
    "int(1.9)",
    "int(-1.9)",
    "uint(3)",
    "uint(-1)",
    'double("1.5")',
    "double(2)",
    "string(12)",
    "string(1.5)",
    "string(true)",
    'string(b"a")',
    'string(b"\\xff")',
    'bytes("é")',
    'bool("true")',
    "dyn(1)",
    "type(1)",
    "type(1) == int",
    'string(duration("1.5s"))',
  ),
  inRequest(
    "macros",
    "[1, 2].exists(x, x > 1)",
    "[1, 2].all(x, x > 1)",
    "[1, 2].exists_one(x, x > 1)",
    "[1, 2].map(x, x * 2)",
    "[1, 2].filter(x, x > 1)",
    "has(request.path)",
    "has(request.nothing)",
    'has({"a": 1}.a)',
    '{"a": 1}.exists(k, k == "a")',
    "has(request)",
  ),
  inRequest(
    "members and indexes",
    '{"a": {"b": 2}}.a.b',
    '{"a": 1}["b"]',
    "[1, 2][1]",
    "[1, 2][2]",
    '{"a": 1}.b',
    '["a"].a',
  ),
  inRequest(
    "the request",
    "request.path",
    "request.url_path",
    "request.query",
    "request.host",
    "request.scheme",
    "request.method",
    'request.method == "POST"',
    "request.protocol",
    "request.size",
    "request.total_size > 10",
    "request.useragent",
    "request.referer",
    "request.duration",
    "request.time > timestamp(0)",
    "size(request.id)",
    "request.nothing",
    "request.path.size() + 1",
  ),
  inRequest(
    "headers",
    'request.headers["x-a"]',
    'request.headers["X-A"]',
    'request.headers["x-b"]',
    'request.headers["x-c"]',
    '"x-a" in request.headers',
    '"x-c" in request.headers',
    "has(request.headers)",
    'int(request.headers["x-a"]) + 1',
    "request.headers.host",
    'request.headers[":path"]',
    "size(request.headers) > 5",
  ),
  inRequest(
    "the response, before there is one",
    "response.code",
    "response.flags",
    "response.headers",
    'response.headers["x"]',
    "has(response.code)",
    "response.nothing",
    "response.size",
  ),
  {
    title: "expressions: the response",
    answers: [{ status: 203, headers: [["x-r", "1"]] }],
    on: {
      response_headers: evaluating([
        "response.code",
        "response.code + 1",
        'response.headers["x-r"]',
        "response.code_details",
        "response.flags",
        "request.path",
        "response.grpc_status",
        "response.code >= 200 && response.code < 300",
      ]),
      log: evaluating(["response.code"]).replaceAll("\\x00\\x00\\x00\\x00", "\\x08\\x00\\x00\\x00"),
    },
  },
  inRequest(
    "connection, addresses and upstream",
    "connection.mtls",
    "connection.requested_server_name",
    "connection.id > 0u",
    "connection.id > 0",
    "connection.tls_version",
    'source.address.startsWith("127.0.0.1:")',
    "source.port > 0",
    "destination.port > 0",
    "has(destination.address)",
    "upstream.address",
    "upstream.num_endpoints",
    "connection_id > 0u",
    "connection.nothing",
  ),
  inRequest(
    "names, metadata and the plugin",
    "xds.route_name",
    "xds.cluster_name",
    "xds.virtual_host_name",
    "xds.node.id",
    "xds.node.cluster",
    "xds.node.metadata.NAMESPACE",
    'xds.node.metadata["LABELS"].app',
    "xds.listener_direction",
    'xds.cluster_metadata.filter_metadata["dev.sluice"].owner',
    'xds.cluster_metadata.filter_metadata["dev.sluice"].number',
    'xds.cluster_metadata.filter_metadata["dev.sluice"].list',
    'xds.cluster_metadata.filter_metadata["dev.sluice"].flag',
    'xds.route_metadata.filter_metadata["dev.sluice"]["owner"]',
    'xds.cluster_metadata.filter_metadata["none"].owner',
    "xds.nothing",
    "plugin_name",
    "plugin_root_id",
    "size(plugin_vm_id) > 0",
    "xds.node.locality.region",
    "has(xds.node.locality.zone)",
    'metadata.filter_metadata["a"]',
  ),
  {
    title: "expressions: filter state",
    on: {
      request_headers: `set_property('k', 'v\\xff')\n${evaluating(["k", "size(k)", 'k == b"v\\xff"', "none", 'filter_state["wasm.k"]', 'size(filter_state["wasm.k"])', 'filter_state["none"]', "filter_state.none", "has(filter_state.k)", '"wasm.k" in filter_state'])}`,
    },
  },
  inRequest(
    "what is no expression",
    "request.",
    "(",
    "1 +",
    "",
    "foo(1)",
    "request.path.foo()",
    "[1, 2",
    '"open',
    "a b",
    "unknown",
    "unknown.a",
    "request.path(1)",
    "x.map(1, 2)",
    "f",
    "true.b",
  ),
  {
    title: "expressions: their numbers",
    on: {
      configure: `
        call_foreign_function('expr_create', '1')
        call_foreign_function('expr_create', '2')
        call_foreign_function('expr_delete', '\\x00\\x00\\x00\\x00')
        call_foreign_function('expr_create', '3')
        call_foreign_function('expr_create', '(')
        call_foreign_function('expr_create', '4')
        call_foreign_function('expr_evaluate', '\\x03\\x00\\x00\\x00')`,
      request_headers: `
        call_foreign_function('expr_evaluate', '\\x00\\x00\\x00\\x00')
        call_foreign_function('expr_evaluate', '\\x01\\x00\\x00\\x00')
        call_foreign_function('expr_evaluate', '\\x02\\x00\\x00\\x00')
        call_foreign_function('expr_evaluate', '\\x03\\x00\\x00\\x00')
        call_foreign_function('expr_evaluate', '\\x04\\x00\\x00\\x00')
        call_foreign_function('expr_evaluate', '\\x01\\x00\\x00')
        call_foreign_function('expr_delete', '\\x01\\x00\\x00')
        call_foreign_function('expr_delete', '\\x09\\x00\\x00\\x00')`,
    },
  },
  {
    title: "expressions: see the context that was called, not the effective one",
    on: {
      request_headers: `set_effective_context(1)\n${evaluating(["request.path", "plugin_root_id"])}`,
      configure: evaluating(["request.path", "xds.node.id", "plugin_name", "1 + 1"]),
    },
  },
];
