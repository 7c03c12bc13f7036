import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect } from "node:http2";
import { afterEach, beforeAll, expect, test } from "vitest";
import { freePort, startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { type Chain, filterBootstrap } from "../support/filter-envoy.ts";
import { filterModule } from "../support/filter-module.ts";
import { call } from "../support/http.ts";
import { grpcCall } from "../support/http2.ts";
import { startGrpcUpstream, startUpstream, type Upstream } from "../support/upstream.ts";
import { until } from "../support/wait.ts";

// The deadline filter in a real Envoy, both halves, in front of upstreams that tell what they were told.

let module: Uint8Array;
beforeAll(async () => {
  module = await filterModule("deadline");
});

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Options = Partial<Chain> & { readonly config?: Readonly<Record<string, unknown>> };

function chain(port: number, upstream: Upstream, { config = {}, ...rest }: Options = {}): Chain {
  const plugins = [{ name: "deadline", module, config }];
  return { direction: "OUTBOUND", port, upstreamPorts: [upstream.port], plugins, ...rest };
}

interface Process {
  readonly node?: string;
  readonly concurrency?: number;
}

async function envoy(chains: readonly Chain[], { node, concurrency = 1 }: Process = {}): Promise<TestEnvoy> {
  const args = ["--component-log-level", "wasm:info"];
  const started = await startEnvoy(filterBootstrap(chains, node), { args, concurrency });
  cleanups.push(() => started.stop());
  await started.live();
  return started;
}

async function upstreamOf(answer: Parameters<typeof startUpstream>[0]): Promise<Upstream> {
  const upstream = await startUpstream(answer);
  cleanups.push(() => upstream.stop());
  return upstream;
}

async function grpcUpstreamOf(answer: Parameters<typeof startGrpcUpstream>[0]): Promise<Upstream> {
  const upstream = await startGrpcUpstream(answer);
  cleanups.push(() => upstream.stop());
  return upstream;
}

/** An Envoy with one listener in front of an upstream; the caller's port. */
async function oneHop(upstream: Upstream, options: Options = {}, process: Process = {}) {
  const port = await freePort();
  const started = await envoy([chain(port, upstream, options)], process);
  return { port, envoy: started };
}

const get = (port: number, headers: Readonly<Record<string, string>> = {}) =>
  call({ host: "127.0.0.1", port, path: "/items", headers });

/** The number in a header that must be there, once. */
function ms(text: unknown): number {
  expect(text).toMatch(/^\d+$/);
  return Number(text);
}

test.each(["INBOUND", "OUTBOUND"] as const)(
  "%s: what has passed is answered without touching the upstream",
  async (direction) => {
    const upstream = await upstreamOf((_, response) => void response.end("ok"));
    const { port, envoy } = await oneHop(upstream, { direction, config: { minimum: "20ms" } });
    for (const headers of [
      { "x-request-timeout-ms": "0" },
      { "x-request-timeout-ms": "19" },
      { "grpc-timeout": "19m" },
    ]) {
      const reply = await get(port, headers);
      expect([reply.status, reply.body, reply.headers["x-deadline"]]).toEqual([504, "deadline exceeded", "exceeded"]);
    }
    const grpc = await grpcCall(port, { "grpc-timeout": "1m" });
    expect([grpc[":status"], grpc["grpc-status"], grpc["x-deadline"]]).toEqual([200, "4", "exceeded"]);
    expect(upstream.seen).toEqual([]);
    expect(await envoy.stat("wasmcustom.deadline_exceeded_on_arrival_total")).toBe(4);
  },
);

test.each`
  sent                                                        | config                  | told                      | from | to
  ${{ "x-request-timeout-ms": "5000" }}                       | ${{}}                   | ${"x-request-timeout-ms"} | ${1} | ${5000}
  ${{ "x-request-timeout-ms": "5000", "grpc-timeout": "2S" }} | ${{}}                   | ${"x-request-timeout-ms"} | ${1} | ${2000}
  ${{ "x-request-timeout-ms": "5000" }}                       | ${{ max: "3s" }}        | ${"x-request-timeout-ms"} | ${1} | ${3000}
  ${{ "x-left": "4000" }}                                     | ${{ header: "x-left" }} | ${"x-left"}               | ${1} | ${4000}
  ${{}}                                                       | ${{ default: "7s" }}    | ${"x-request-timeout-ms"} | ${1} | ${7000}
`(
  "inbound, $sent with $config: the application is told in $told at most $to",
  async ({ sent, config, told, from, to }) => {
    const upstream = await upstreamOf((_, response) => void response.end("ok"));
    const { port } = await oneHop(upstream, { direction: "INBOUND", config });
    expect((await get(port, sent)).status).toBe(200);
    expect(ms(upstream.seen[0]?.headers[told])).toBeGreaterThanOrEqual(from);
    expect(ms(upstream.seen[0]?.headers[told])).toBeLessThanOrEqual(to);
  },
);

test("what is malformed is counted and not passed on", async () => {
  const upstream = await upstreamOf((_, response) => void response.end("ok"));
  const { port, envoy } = await oneHop(upstream, { direction: "INBOUND", config: { absoluteHeader: "x-until" } });
  const bad = { "x-request-timeout-ms": "1e3", "grpc-timeout": "123456789m", "x-until": "soon" };
  expect((await get(port, bad)).status).toBe(200);
  expect(Object.keys(upstream.seen[0]?.headers ?? {})).not.toEqual(expect.arrayContaining(Object.keys(bad)));
  for (const name of Object.keys(bad)) expect(upstream.seen[0]?.headers[name]).toBeUndefined();
  expect(await envoy.stat("wasmcustom.deadline_malformed_total")).toBe(3);
});

test("an absolute header counts where it is named, with the skew that it is given", async () => {
  const upstream = await upstreamOf((_, response) => void response.end("ok"));
  const { port } = await oneHop(upstream, { config: { absoluteHeader: "x-until", skew: "10s" } });
  const at = (fromNowMs: number) => ({ "x-until": String(Date.now() + fromNowMs) });
  expect((await get(port, at(-60_000))).status).toBe(504);
  expect((await get(port, at(-10_000))).status).toBe(504);
  expect((await get(port, at(50_000))).status).toBe(200);
  expect(ms(upstream.seen[0]?.headers["x-request-timeout-ms"])).toBeLessThanOrEqual(60_000);
  expect(ms(upstream.seen[0]?.headers["x-request-timeout-ms"])).toBeGreaterThan(30_000);
  expect((await get(port, at(-1))).status).toBe(200); // by a clock that is behind
  expect(ms(upstream.seen[1]?.headers["x-request-timeout-ms"])).toBeLessThan(10_000);
});

test.each(["", "10.0.0.7", "192.0.2.7"])(
  "what a caller at '%s' says the router expects is no claim",
  async (address) => {
    const upstream = await upstreamOf((_, response) => void response.end("ok"));
    const { port } = await oneHop(upstream, { direction: "INBOUND" });
    const from = address === "" ? {} : { "x-forwarded-for": address };
    await get(port, { "x-envoy-expected-rq-timeout-ms": "70", ...from });
    expect(upstream.seen[0]?.headers["x-request-timeout-ms"]).toBeUndefined();
  },
);

test.each`
  routeMs  | sentMs    | most   | exceeded
  ${10000} | ${"200"}  | ${200} | ${"exceeded"}
  ${0}     | ${"200"}  | ${200} | ${"exceeded"}
  ${200}   | ${"9000"} | ${200} | ${undefined}
`("outbound: of a route's $routeMs ms and the $sentMs ms left the router takes the less", async (row) => {
  const upstream = await upstreamOf(() => {}); // never answers
  const { port, envoy } = await oneHop(upstream, {
    route: { timeout: `${row.routeMs / 1000}s` },
    metadata: { retryOn: "", attempts: 0, timeoutMs: row.routeMs },
    accessLog: "details=%RESPONSE_CODE_DETAILS% deadline=%FILTER_STATE(wasm.sluice.deadline:PLAIN)%",
  });
  const reply = await get(port, { "x-request-timeout-ms": row.sentMs });
  expect([reply.status, reply.headers["x-deadline"]]).toEqual([504, row.exceeded]);
  const headers = upstream.seen[0]?.headers ?? {};
  expect(ms(headers["x-envoy-expected-rq-timeout-ms"])).toBeLessThanOrEqual(row.most);
  expect(ms(headers["x-request-timeout-ms"])).toBeLessThanOrEqual(row.most);
  expect(headers["x-envoy-upstream-rq-timeout-ms"]).toBeUndefined();
  await until(() => upstream.seen[0]?.isBroken, "the upstream to see the reset");
  await envoy.waitFor(() => envoy.output().includes(`deadline=${row.exceeded ?? "-"}`), "the access log");
});

test("a route's timeout is told upstream even where the caller brings no deadline", async () => {
  const upstream = await upstreamOf((_, response) => void response.end("ok"));
  const { port } = await oneHop(upstream, { route: { timeout: "3s" }, metadata: { timeoutMs: 3000 } });
  await get(port);
  expect(ms(upstream.seen[0]?.headers["x-request-timeout-ms"])).toBeLessThanOrEqual(3000);
});

test("each retry is told what is left then", async () => {
  // A timer of Node's may fire up to 1 ms early
  const upstream = await upstreamOf((_, response) => void setTimeout(() => response.writeHead(503).end("no"), 25));
  const retry_policy = { retry_on: "5xx", num_retries: 3, retry_back_off: { base_interval: "0.005s" } };
  const { port } = await oneHop(upstream, { route: { retry_policy } });
  const reply = await get(port, { "x-request-timeout-ms": "5000" });
  expect(reply.status).toBe(503);
  const told = upstream.seen.map(({ headers }) => ms(headers["x-request-timeout-ms"]));
  expect(told).toHaveLength(4);
  for (const [index, left] of told.entries()) {
    if (index > 0) expect(left).toBeLessThanOrEqual((told[index - 1] ?? 0) - 20);
  }
});

test("an attempt for which no time is left is not made: the caller gets the last response", async () => {
  const upstream = await upstreamOf((_, response) => void setTimeout(() => response.writeHead(503).end("no"), 600));
  const retry_policy = { retry_on: "5xx", num_retries: 3 };
  const { port } = await oneHop(upstream, { route: { retry_policy }, config: { minimum: "4500ms" } });
  const reply = await get(port, { "x-request-timeout-ms": "5000" });
  expect([reply.status, reply.body, reply.headers["x-envoy-ratelimited"]]).toEqual([503, "no", undefined]);
  expect(upstream.seen).toHaveLength(1);
});

test("gRPC: told in its own format, and DEADLINE_EXCEEDED where the router says UNAVAILABLE", async () => {
  const upstream = await grpcUpstreamOf(() => {});
  const { port } = await oneHop(upstream, { http2: true });
  const reply = await grpcCall(port, { "grpc-timeout": "300m" });
  expect([reply[":status"], reply["grpc-status"], reply["x-deadline"]]).toEqual([200, "4", "exceeded"]);
  expect(upstream.seen[0]?.headers["grpc-timeout"]).toMatch(/^\d{1,8}[nu]$/);
  expect(upstream.seen[0]?.headers["x-request-timeout-ms"]).toBeUndefined();
  await until(() => upstream.seen[0]?.isBroken, "the upstream to see the reset");
});

test("gRPC without a deadline of its own is told one in grpc-timeout", async () => {
  const upstream = await grpcUpstreamOf((stream) =>
    stream.respond({ "content-type": "application/grpc", "grpc-status": "0" }, { endStream: true }),
  );
  const { port } = await oneHop(upstream, { direction: "INBOUND", http2: true, config: { default: "2s" } });
  expect((await grpcCall(port))["grpc-status"]).toBe("0");
  expect(upstream.seen[0]?.headers["grpc-timeout"]).toMatch(/^\d{1,8}u$/);
});

test.each(["INBOUND", "OUTBOUND"] as const)(
  "%s: a request whose body is still open is ended by the tick",
  async (direction) => {
    const upstream = await upstreamOf((message) => void message.resume());
    const { port } = await oneHop(upstream, { direction });
    const status = await new Promise((resolve, reject) => {
      const headers = { "x-request-timeout-ms": "200", "content-length": "100" };
      const sent = request({ host: "127.0.0.1", port, method: "POST", path: "/", headers }, (response) => {
        response.resume();
        resolve([response.statusCode, response.headers["x-deadline"]]);
      });
      sent.once("error", reject);
      sent.write("half a body");
    });
    expect(status).toEqual([504, "exceeded"]);
    await until(() => upstream.seen[0]?.isBroken, "the upstream to see the reset");
  },
);

test("a response that still streams at the deadline is cut, and the upstream sees it", async () => {
  const upstream = await upstreamOf((_, response) => void response.writeHead(200).write("the first of many"));
  const { port, envoy } = await oneHop(upstream, { direction: "INBOUND" });
  await expect(get(port, { "x-request-timeout-ms": "200" })).rejects.toThrow();
  await until(() => upstream.seen[0]?.isBroken, "the upstream to see the reset");
  expect(await envoy.stat("wasmcustom.deadline_exceeded_while_open_total")).toBe(1);
});

test("a caller who does not read the router's 504 is counted once", async () => {
  const upstream = await upstreamOf(() => {});
  const { port, envoy } = await oneHop(upstream);
  const session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 0 } });
  cleanups.push(async () => session.destroy());
  const ask = async (method: string) => {
    const headers = { ":method": method, ":path": "/", "x-request-timeout-ms": "200" };
    const stream = session.request(headers, { endStream: method === "GET" });
    stream.on("error", () => {}); // the end of the session
    const [reply] = await once(stream, "response");
    expect([reply[":status"], reply["x-deadline"]]).toEqual([504, "exceeded"]);
  };
  await ask("GET");
  await ask("POST"); // whose body is open: ended by a tick, which passes over all that are open
  expect(await envoy.stat("wasmcustom.deadline_exceeded_while_open_total")).toBe(2);
});

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";

test.each`
  concurrency | correlate         | header            | caused                                    | calls
  ${1}        | ${"x-request-id"} | ${"x-request-id"} | ${"0b1ce9a2-1c3f-4a7b-9d2e-0123456789ab"} | ${"0b1ce9a2-1c3f-4a7b-9d2e-0123456789ab"}
  ${2}        | ${"x-request-id"} | ${"x-request-id"} | ${"0b1ce9a2-1c3f-4a7b-9d2e-0123456789ab"} | ${"0b1ce9a2-1c3f-4a7b-9d2e-0123456789ab"}
  ${2}        | ${"traceparent"}  | ${"traceparent"}  | ${`00-${traceId}-00f067aa0ba902b7-01`}    | ${`00-${traceId}-b7ad6b7169203331-01`}
`(
  "a sidecar of $concurrency workers ties a call to the request that caused it by $correlate, while that is open",
  async ({ concurrency, correlate, header, caused, calls }) => {
    const [inbound, outbound] = [await freePort(), await freePort()];
    const next = await upstreamOf((_, response) => void response.end("ok"));
    const agent = new Agent({ keepAlive: true });
    cleanups.push(async () => agent.destroy());
    const onward = () =>
      call({ host: "127.0.0.1", port: outbound, path: "/next", headers: { [header]: calls }, agent });
    const application = await upstreamOf((message, response) => {
      const isSlow = message.url === "/slow";
      if (isSlow) void until(() => response.destroyed, "the end of the request").then(() => onward().then(late));
      else void onward().then(({ status }) => response.end(String(status)));
    });
    let late = (_: Awaited<ReturnType<typeof onward>>) => {};
    const afterEnd = new Promise<Awaited<ReturnType<typeof onward>>>((resolve) => {
      late = resolve;
    });
    const config = { correlate };
    const chains = [chain(inbound, application, { direction: "INBOUND", config }), chain(outbound, next, { config })];
    await envoy(chains, { concurrency });
    const inboundCall = (path: string, left: Readonly<Record<string, string>>) =>
      call({ host: "127.0.0.1", port: inbound, path, headers: { [header]: caused, ...left } });

    expect((await inboundCall("/", { "x-request-timeout-ms": "3000" })).body).toBe("200");
    expect(ms(next.seen[0]?.headers["x-request-timeout-ms"])).toBeLessThanOrEqual(3000);

    await onward(); // the application goes on after its answer
    expect(next.seen[1]?.headers["x-request-timeout-ms"]).toBeUndefined();

    expect((await inboundCall("/slow", { "x-request-timeout-ms": "200" })).status).toBe(504);
    const reply = await afterEnd; // work that nobody waits for any more
    expect([reply.status, reply.headers["x-deadline"]]).toEqual([504, "exceeded"]);
    expect(next.seen).toHaveLength(2);

    expect((await inboundCall("/", {})).body).toBe("200"); // the same id again, without a deadline
    expect(next.seen[2]?.headers["x-request-timeout-ms"]).toBeUndefined();
  },
);

test("calls after the caller's reset keep its deadline, which the caller's proxy may have reached a moment before", async () => {
  const [inbound, outbound] = [await freePort(), await freePort()];
  const next = await upstreamOf((_, response) => void response.end("ok"));
  const application = await upstreamOf((message, response) => {
    const headers = { "x-request-id": String(message.headers["x-request-id"]) };
    void until(() => response.destroyed, "the reset").then(() => call({ host: "127.0.0.1", port: outbound, headers }));
  });
  await envoy([chain(inbound, application, { direction: "INBOUND" }), chain(outbound, next)]);
  const sent = request({ host: "127.0.0.1", port: inbound, headers: { "x-request-timeout-ms": "60000" } }).end();
  sent.on("error", () => {});
  await until(() => application.seen.length === 1, "the request");
  sent.destroy();
  await until(() => next.seen.length === 1, "the call");
  expect(ms(next.seen[0]?.headers["x-request-timeout-ms"])).toBeLessThanOrEqual(60_000);
});

test("a sidecar that is to correlate nothing tightens no call", async () => {
  const [inbound, outbound] = [await freePort(), await freePort()];
  const next = await upstreamOf((_, response) => void response.end("ok"));
  const application = await upstreamOf((message, response) => {
    const headers = { "x-request-id": String(message.headers["x-request-id"]) };
    void call({ host: "127.0.0.1", port: outbound, headers }).then(() => response.end());
  });
  const config = { correlate: "off" };
  await envoy([chain(inbound, application, { direction: "INBOUND", config }), chain(outbound, next, { config })]);
  expect((await get(inbound, { "x-request-timeout-ms": "3000" })).status).toBe(200);
  expect(next.seen.map(({ headers }) => headers["x-request-timeout-ms"])).toEqual([undefined]);
});

test("a gateway gives the default to what brings none, and ties nothing together", async () => {
  const upstream = await upstreamOf((_, response) => void response.end("ok"));
  const { port } = await oneHop(
    upstream,
    { config: { default: "2s" } },
    { node: "router~127.0.0.1~gateway.b~b.svc.cluster.local" },
  );
  await get(port);
  expect(ms(upstream.seen[0]?.headers["x-request-timeout-ms"])).toBeLessThanOrEqual(2000);
  const sidecar = await oneHop(upstream, { config: { default: "2s" } });
  await get(sidecar.port);
  expect(upstream.seen[1]?.headers["x-request-timeout-ms"]).toBeUndefined();
});
