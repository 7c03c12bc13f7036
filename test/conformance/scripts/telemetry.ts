// Telemetry of requests: who the peers are, what they are told, and what becomes of a request.
import { header } from "../../../filters/telemetry/test-support/peer-metadata.ts";
import type { Answer, Script } from "../script.ts";
import { frames, get, grpcAnswer, grpcCall, ok, saying, script, trailersOnly } from "./telemetry-script.ts";

const catalog = header({
  ...{ NAMESPACE: "store", WORKLOAD_NAME: "catalog-v1", CLUSTER_ID: "west" },
  LABELS: { app: "catalog", version: "v1", "service.istio.io/canonical-name": "items" },
});

/** What is no peer's metadata: nothing, no base64, no protobuf, half of one, no strings, bytes that are no UTF-8, too long. */
const malformed = [
  ...["", "%%%", "A", "bm8gcHJvdG9idWY=", catalog.slice(0, 40), "\xff\xfe"],
  header({ WORKLOAD_NAME: 1, NAMESPACE: null, LABELS: ["app"], CLUSTER_ID: { a: true } }),
  header({ WORKLOAD_NAME: "w".repeat(4000) }),
];
const separators = header({ WORKLOAD_NAME: ";.;response_code=.=999;.;", NAMESPACE: "a;.", LABELS: { app: "=.=\0" } });
const long = header({ WORKLOAD_NAME: "w".repeat(300) });
const claimed = get(...saying(catalog));

const peers: readonly Script[] = [
  script("a client hears who answers, and tells who asks", {}, { answers: [ok(...saying(catalog))] }),
  script("a client that hears nothing knows the endpoint", {}, { answers: [ok()] }),
  script(
    "a client over HTTP/1.1",
    {},
    { protocol: "HTTP/1.1", requests: [claimed], answers: [ok(...saying(catalog))] },
  ),
  script(
    "a client hears what is malformed",
    {},
    {
      requests: malformed.map(() => get()),
      answers: malformed.map((said) => ok(...saying(said))),
    },
  ),
  script(
    "a client hears separators and long values",
    {},
    {
      requests: [get(), get()],
      answers: [ok(...saying(separators)), ok(...saying(long))],
    },
  ),
  script(
    "a server hears who asks, and tells who answers",
    {},
    {
      direction: "inbound",
      requests: [claimed, get(), { ...claimed, host: "other.test" }],
      answers: [ok(...saying(catalog))],
    },
  ),
  script(
    "a server hears what is malformed",
    {},
    {
      direction: "inbound",
      requests: [...malformed, separators, long].map((said) => get(...saying(said))),
    },
  ),
  script(
    "a server hears two peers at once",
    {},
    {
      direction: "inbound",
      requests: [get(...saying(catalog), ...saying(long))],
    },
  ),
  script(
    "a gateway tells the mesh, and not its callers",
    {},
    {
      node: "gateway",
      requests: [claimed, get()],
      answers: [ok(...saying(catalog))],
    },
  ),
  script("a gateway that listens inbound", {}, { node: "gateway", direction: "inbound", requests: [claimed] }),
  script("a gateway to the world", {}, { node: "gateway", cluster: "external", answers: [ok(...saying(catalog))] }),
  script(
    "a client to the world",
    {},
    {
      cluster: "external",
      requests: [claimed],
      answers: [ok(...saying(catalog))],
    },
  ),
  script("a client to any address", {}, { cluster: "PassthroughCluster", answers: [ok(...saying(catalog))] }),
  script("a server's port without a service", {}, { direction: "inbound", cluster: "PassthroughCluster" }),
];

const failed: Answer = { status: 503, headers: saying(catalog), body: ["no"] };

const outcomes: readonly Script[] = [
  script(
    "retries: each attempt is told, the request counts once",
    {},
    {
      route: { retryOn: "5xx", attempts: 2 },
      answers: [failed, { reset: "remote-reset" }, ok(...saying(catalog))],
    },
  ),
  script("retries that come to nothing", {}, { route: { retryOn: "5xx", attempts: 1 }, answers: [failed] }),
  script("nobody listens", {}, { cluster: "closed" }),
  script("nobody listens, with a retry", {}, { cluster: "closed", route: { retryOn: "connect-failure", attempts: 1 } }),
  script("no endpoint", {}, { cluster: "none" }),
  script("no endpoint, to a server", {}, { cluster: "none", direction: "inbound" }),
  script("no room in the circuit breaker", {}, { cluster: "full" }),
  script("a cluster that Envoy does not know", {}, { cluster: "unknown" }),
  script("no route", {}, { route: null, requests: [claimed] }),
  script("no route, at a server", {}, { route: null, direction: "inbound", requests: [claimed] }),
  script("a route that answers itself", {}, { route: { directResponse: { status: 418, body: "tea" } } }),
  script(
    "names of routes that lead to no service",
    {},
    { route: { name: "block_all" }, cluster: "PassthroughCluster" },
  ),
  script("a timeout", {}, { route: { timeoutMs: 50 }, answers: ["nothing"] }),
  script("an upstream that resets", {}, { answers: [{ reset: "remote-reset" }] }),
  script("an upstream that closes its connection", {}, { answers: [{ reset: "connection-termination" }] }),
  script(
    "an upstream that breaks off its response",
    {},
    {
      answers: [{ status: 200, headers: saying(catalog), body: ["half"], breaksOff: true }],
    },
  ),
  script("a caller who leaves", {}, { requests: [{ leaves: true }], answers: ["nothing"] }),
  script(
    "another filter's answer behind it",
    {},
    {
      direction: "inbound",
      requests: [claimed],
      others: [
        {
          ...{ rootId: "judge", vm: "own code" },
          on: { request_headers: "send_local_response(403, 'judged', 'no', {'x-why': 'so'}, -1)" },
        },
      ],
    },
  ),
  script(
    "another filter's answer before the response",
    {},
    {
      answers: [ok(...saying(catalog))],
      others: [
        {
          ...{ rootId: "judge", vm: "own code" },
          on: { response_headers: "send_local_response(500, 'judged', '', {}, -1)" },
        },
      ],
    },
  ),
  script(
    "sizes of headers, bodies and trailers",
    {},
    {
      requests: [
        {
          method: "POST",
          body: ["a".repeat(400), "b"],
          trailers: [["x-sum", "1"]],
          headers: [["x-long", "l".repeat(900)]],
        },
      ],
      answers: [{ status: 200, body: ["c".repeat(700)], trailers: [["x-sum", "s".repeat(2000)]] }],
    },
  ),
];

const message = frames("one");

const grpc: readonly Script[] = [
  script("a unary call of gRPC", {}, { requests: [grpcCall([message])], answers: [grpcAnswer([message], "0")] }),
  script(
    "a unary call of gRPC, at a server",
    {},
    {
      direction: "inbound",
      requests: [grpcCall([message], ...saying(catalog))],
      answers: [grpcAnswer([message], "7")],
    },
  ),
  script(
    "a unary call of gRPC at a gateway",
    {},
    {
      node: "gateway",
      requests: [grpcCall([message])],
      answers: [grpcAnswer([message], "0")],
    },
  ),
  script(
    "messages of a stream, in frames that end anywhere",
    {},
    {
      requests: [grpcCall([frames("a", "", "bcd").slice(0, 7), frames("a", "", "bcd").slice(7), message])],
      answers: [grpcAnswer([frames("x", "y"), "\0\0", "\0\0\x02zz", frames("")], "0")],
    },
  ),
  script(
    "an answer of gRPC without a message",
    {},
    {
      requests: [grpcCall([message]), grpcCall([message])],
      answers: [trailersOnly("5"), trailersOnly("not a number")],
    },
  ),
  script("gRPC without a message at all", {}, { requests: [grpcCall([""])], answers: [trailersOnly("0")] }),
  script(
    "gRPC that is answered with what is not gRPC",
    {},
    {
      requests: [grpcCall([message]), grpcCall([message])],
      answers: [
        { status: 503, body: ["closed"] },
        { status: 200, body: ["ok"] },
      ],
    },
  ),
  script(
    "types that only begin as gRPC's",
    {},
    {
      requests: ["application/grpc-web", "application/grpc+proto", "application/grpc;a=b", "Application/grpc"].map(
        (type) => ({
          ...{ method: "POST", headers: [["content-type", type]], body: [message] },
        }),
      ),
      answers: [grpcAnswer([message], "0")],
    },
  ),
  script("gRPC that Envoy answers", {}, { requests: [grpcCall([message])], route: null }),
  script("gRPC without an endpoint", {}, { requests: [grpcCall([message])], cluster: "none" }),
  script("gRPC that is reset", {}, { requests: [grpcCall([message])], answers: [{ reset: "remote-reset" }] }),
  script(
    "gRPC that breaks off after a message",
    {},
    {
      requests: [grpcCall([message])],
      answers: [{ status: 200, headers: [["content-type", "application/grpc"]], body: [message], breaksOff: true }],
    },
  ),
  script(
    "gRPC with a retry",
    {},
    {
      requests: [grpcCall([message])],
      route: { retryOn: "unavailable", attempts: 1 },
      answers: [trailersOnly("14"), grpcAnswer([message, message], "0")],
    },
  ),
];

export const telemetry: readonly Script[] = [...peers, ...outcomes, ...grpc];
