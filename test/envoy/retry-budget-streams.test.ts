import type { ServerHttp2Stream } from "node:http2";
import { afterEach, beforeAll, expect, test } from "vitest";
import { freePort, startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { filterBootstrap } from "../support/filter-envoy.ts";
import { filterModule } from "../support/filter-module.ts";
import { grpcHeaders, http2Call, openHttp2 } from "../support/http2.ts";
import { startGrpcUpstream, type Upstream } from "../support/upstream.ts";
import { until } from "../support/wait.ts";

// The retry budget over HTTP/2 and streams of gRPC in a real Envoy; there is one retry in the budget.

const grpc = { "content-type": "application/grpc" };
const message = Buffer.from([0, 0, 0, 0, 1, 42]); // not compressed, of one byte

let module: Uint8Array;
beforeAll(async () => {
  module = await filterModule("retry-budget");
});

let port: number;
let envoy: TestEnvoy;
let upstream: Upstream;
afterEach(async () => {
  await envoy?.stop();
  await upstream?.stop();
});

/** @param answer what the upstream does with each of the attempts */
async function start(answer: (stream: ServerHttp2Stream, attempt: number) => void): Promise<void> {
  upstream = await startGrpcUpstream((stream) => answer(stream, upstream.seen.length));
  port = await freePort();
  const retryOn = "5xx,unavailable,reset";
  const chain = {
    direction: "OUTBOUND",
    port,
    upstreamPorts: [upstream.port],
    http2: true,
    plugins: [{ name: "retry-budget", module, config: { window: "10m", percent: 0, minRetries: 1 } }],
    route: { retry_policy: { retry_on: retryOn, num_retries: 3, retry_back_off: { base_interval: "0.001s" } } },
    metadata: { retryOn, attempts: 3, timeoutMs: 0 },
  } as const;
  envoy = await startEnvoy(filterBootstrap([chain]));
  await envoy.live();
}

const rpc = grpcHeaders({ ":path": "/shop.Catalog/Watch" });
const stat = (name: string) => envoy.stat(`wasmcustom.scope=.=outbound|${port};.;retry_budget_${name}_total`);

test("HTTP/2: a failed attempt is retried once, then its response passes with its body", async () => {
  await start((stream) => {
    stream.respond({ ":status": 503, "x-shop": "closed" });
    stream.end("closed");
  });
  const first = await http2Call(port, { ":path": "/items" });
  const second = await http2Call(port, { ":path": "/items" });
  expect(upstream.seen).toHaveLength(3);
  for (const { headers, bytes } of [first, second]) {
    expect([headers[":status"], headers["x-shop"], bytes]).toEqual([503, "closed", 6]);
    expect([headers["x-retry-budget"], headers["x-envoy-ratelimited"]]).toEqual(["exhausted", undefined]);
  }
});

test("gRPC: a stream of responses that fails in its trailers is a call, and nothing to be retried", async () => {
  await start((stream) => {
    stream.respond(grpc, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "14" }));
    stream.write(message);
    stream.end(message);
  });
  const { headers, bytes } = await http2Call(port, rpc, message);
  expect([headers["grpc-status"], headers["x-retry-budget"], bytes]).toEqual(["14", undefined, 2 * message.length]);
  expect([upstream.seen.length, await stat("calls"), await stat("denied")]).toEqual([1, 1, 0]);
});

test("gRPC: streams in both directions are retried while they are open, and go on", async () => {
  await start((stream, attempt) => {
    if (attempt !== 2) return stream.respond({ ...grpc, "grpc-status": "14" }, { endStream: true });
    stream.respond(grpc, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.pipe(stream);
  });
  const { stream, reply, end } = openHttp2(port, rpc);
  stream.write(message);
  await until(() => reply.bytes === message.length, "the first message to come back from the second attempt");
  stream.end(message);
  await end;
  expect([reply.headers["grpc-status"], reply.bytes]).toEqual(["0", 2 * message.length]);
  const denied = openHttp2(port, rpc); // and stays open
  denied.stream.write(message);
  expect((await denied.end).headers).toMatchObject({ "grpc-status": "14", "x-retry-budget": "exhausted" });
  expect([upstream.seen.length, await stat("calls"), await stat("retries")]).toEqual([3, 2, 1]);
});

test("gRPC: of streams that are reset, the attempt that is not made is answered with UNAVAILABLE", async () => {
  await start((stream) => stream.close(2));
  const { headers } = await http2Call(port, rpc, message);
  expect(headers).toMatchObject({ "grpc-status": "14", "x-retry-budget": "exhausted" });
  expect(headers["x-envoy-ratelimited"]).toBeUndefined();
  expect([upstream.seen.length, await stat("retries"), await stat("denied")]).toEqual([2, 1, 1]);
});
