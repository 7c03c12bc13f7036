import { afterEach, beforeAll, expect, test } from "vitest";
import { freePort, startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { type Chain, filterBootstrap } from "../support/filter-envoy.ts";
import { filterModule } from "../support/filter-module.ts";
import { call, type Reply, tally } from "../support/http.ts";
import { grpcCall } from "../support/http2.ts";
import { type Seen, startGrpcUpstream, startUpstream, type Upstream } from "../support/upstream.ts";

// The retry budget in a real Envoy, both halves in one process, counted at an upstream that fails.

let module: Uint8Array;
beforeAll(async () => {
  module = await filterModule("retry-budget");
});

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function upstreamOf(start: Promise<Upstream>): Promise<Upstream> {
  const upstream = await start;
  cleanups.push(() => upstream.stop());
  return upstream;
}

const closed = (): Promise<Upstream> =>
  upstreamOf(
    startUpstream((_, response) => void response.writeHead(503, { "x-shop": "closed" }).end("closed for today")),
  );

async function envoy(chains: readonly Chain[], concurrency = 1): Promise<TestEnvoy> {
  const args = ["--component-log-level", "wasm:info"];
  const started = await startEnvoy(filterBootstrap(chains), { concurrency, args });
  cleanups.push(() => started.stop());
  await started.live();
  return started;
}

interface Options {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly without?: boolean;
  /** Of the route, and told to the filter. */
  readonly retryOn?: string;
}

/** A listener on a free port whose route retries three times. All calls of a test lie in one window. */
async function chain(
  { port: upstreamPort }: { readonly port: number },
  { config = {}, without = false, retryOn = "5xx", ...rest }: Options & Partial<Chain> = {},
): Promise<Chain> {
  const plugin = { name: "retry-budget", module, config: { window: "10m", percent: 50, minRetries: 0, ...config } };
  const retry_policy = { retry_on: retryOn, num_retries: 3, retry_back_off: { base_interval: "0.001s" } };
  return {
    direction: "OUTBOUND",
    port: await freePort(),
    upstreamPorts: [upstreamPort],
    plugins: without ? [] : [plugin],
    route: { retry_policy },
    metadata: { retryOn, attempts: 3, timeoutMs: 0 },
    accessLog: "decision=%FILTER_STATE(wasm.sluice.retry-budget:PLAIN)%",
    ...rest,
  };
}

const get = (port: number, headers: Readonly<Record<string, string>> = {}) =>
  call({ host: "127.0.0.1", port, path: "/items", headers });

/** `count` calls, so many at a time. */
async function calls(port: number, { count, parallel = 1 }: { count: number; parallel?: number }): Promise<Reply[]> {
  const replies: Reply[] = [];
  let left = count;
  const work = async () => {
    while (left-- > 0) replies.push(await get(port));
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return replies;
}

/**
 * Counts the retries that reached the upstream, and checks each one: it is at most half of the calls before it. Of
 * `parallel` calls some may have been counted that reach the upstream after it.
 */
function halfOfCalls(seen: readonly Seen[], parallel: number): number {
  const known = new Set<string>();
  let made = 0;
  for (const { id } of seen) {
    if (known.has(id)) made += 1;
    known.add(id);
    expect(made).toBeLessThanOrEqual((known.size + parallel - 1) / 2);
  }
  return made;
}

const ofAll = (replies: readonly Reply[], header: string) => tally(replies, ({ headers }) => headers[header]);

test("without it each call becomes four attempts", async () => {
  const upstream = await closed();
  const outbound = await chain(upstream, { without: true });
  await envoy([outbound]);
  await calls(outbound.port, { count: 10 });
  expect(upstream.seen).toHaveLength(40);
});

test.each`
  concurrency | parallel
  ${1}        | ${1}
  ${2}        | ${8}
  ${4}        | ${16}
`("at 50 % retries are half of the calls, $parallel at a time on $concurrency workers", async (row) => {
  const upstream = await closed();
  const outbound = await chain(upstream);
  const started = await envoy([outbound], row.concurrency);
  const replies = await calls(outbound.port, { count: 200, parallel: row.parallel });
  expect(tally(replies, ({ status, body }) => `${status} ${body}`)).toEqual({ "503 closed for today": 200 });
  expect(ofAll(replies, "x-shop")).toEqual({ closed: 200 });
  expect(ofAll(replies, "x-envoy-ratelimited")).toEqual({ undefined: 200 });
  const made = halfOfCalls(upstream.seen, row.parallel);
  expect(made).toBeLessThanOrEqual(100);
  expect(made).toBeGreaterThan(90); // a call that had all of its four attempts leaves the rest to none
  const { exhausted } = ofAll(replies, "x-retry-budget");
  const whole = Object.values(tally(upstream.seen, ({ id }) => id)).filter((attempts) => attempts === 4).length;
  expect(exhausted).toBe(200 - whole);
  const stat = (name: string) => started.stat(`wasmcustom.scope=.=outbound|${outbound.port};.;${name}`);
  expect(await stat("retry_budget_calls_total")).toBe(200);
  expect(await stat("retry_budget_retries_total")).toBe(made);
  expect(await stat("retry_budget_denied_total")).toBe(exhausted);
  expect(await stat("retry_budget_used_percent")).toBe(made);
  await started.waitFor(() => started.output().includes("decision=denied"), "a line of the access log");
});

test("an attempt after one without a response is admitted at its start, or answered instead", async () => {
  const broken = await upstreamOf(startUpstream((request) => void request.socket.destroy()));
  const outbound = await chain(broken, { retryOn: "5xx,reset", config: { percent: 0, minRetries: 2 } });
  await envoy([outbound]);
  const reply = await get(outbound.port);
  expect([reply.status, reply.body]).toEqual([503, "retry budget exhausted"]);
  expect([reply.headers["x-retry-budget"], reply.headers["x-envoy-ratelimited"]]).toEqual(["exhausted", undefined]);
  expect(broken.seen.map(({ headers }) => headers["x-retry-budget"])).toEqual([undefined, "v1", "v1"]);
});

test("a connection that is refused costs no more than the budget", async () => {
  const outbound = await chain({ port: await freePort() }, { retryOn: "5xx,connect-failure" });
  const started = await envoy([outbound]);
  const replies = await calls(outbound.port, { count: 20 });
  expect(tally(replies, ({ status }) => status)).toEqual({ 503: 20 });
  expect(tally(replies, ({ body }) => body)).toEqual({ "retry budget exhausted": 20 });
  const stat = (name: string) => started.stat(`wasmcustom.scope=.=outbound|${outbound.port};.;${name}`);
  expect(await stat("retry_budget_retries_total")).toBe(10);
  expect(await stat("retry_budget_denied_total")).toBe(20);
});

test("gRPC: the failed call's own status passes, and UNAVAILABLE stands for an attempt that is not made", async () => {
  const failing = await upstreamOf(
    startGrpcUpstream((stream) =>
      stream.respond({ "content-type": "application/grpc", "grpc-status": "8" }, { endStream: true }),
    ),
  );
  const broken = await upstreamOf(startGrpcUpstream((stream) => stream.close(2)));
  const common = { http2: true, retryOn: "resource-exhausted,reset", config: { percent: 0, minRetries: 1 } };
  const [first, second] = [await chain(failing, common), await chain(broken, common)];
  await envoy([first, second]);
  const original = await grpcCall(first.port);
  expect([original["grpc-status"], original["x-retry-budget"], failing.seen.length]).toEqual(["8", "exhausted", 2]);
  const instead = await grpcCall(second.port);
  expect([instead["grpc-status"], instead["x-retry-budget"], broken.seen.length]).toEqual(["14", "exhausted", 2]);
  expect([original["x-envoy-ratelimited"], instead["x-envoy-ratelimited"]]).toEqual([undefined, undefined]);
});

test("a reservation that the router does not use is given back", async () => {
  const upstream = await closed();
  const route = { retry_policy: { retry_on: "5xx", num_retries: 0 } }; // the filter is told of three
  const [unused, used] = [
    await chain(upstream, { route, config: { per: "proxy", percent: 0, minRetries: 3 } }),
    await chain(upstream, { config: { per: "proxy", percent: 0, minRetries: 3 } }),
  ];
  await envoy([unused, used]);
  const replies = await calls(unused.port, { count: 10 });
  expect(ofAll(replies, "x-retry-budget")).toEqual({ undefined: 10 });
  expect(upstream.seen).toHaveLength(10);
  await get(used.port);
  expect(upstream.seen).toHaveLength(14);
});

test("a server that limits by itself is heard, and its mark passes", async () => {
  const headers = { "x-envoy-ratelimited": "true" };
  const upstream = await upstreamOf(startUpstream((_, response) => void response.writeHead(503, headers).end()));
  const outbound = await chain(upstream, { config: { minRetries: 5 } });
  await envoy([outbound]);
  const reply = await get(outbound.port);
  expect([reply.headers["x-envoy-ratelimited"], reply.headers["x-retry-budget"]]).toEqual(["true", undefined]);
  expect(upstream.seen).toHaveLength(1);
});

test("a retry that a server's own proxy is refused ends those of the caller's proxy, too", async () => {
  const broken = await upstreamOf(startUpstream((request) => void request.socket.destroy()));
  const inbound = await chain(broken, {
    ...{ direction: "INBOUND", retryOn: "reset", config: { per: "proxy", percent: 0, minRetries: 0 } },
  });
  const outbound = await chain(inbound, { without: true });
  const started = await envoy([inbound, outbound]);
  const reply = await get(outbound.port);
  expect([reply.body, reply.headers["x-envoy-ratelimited"]]).toEqual(["retry budget exhausted", "true"]);
  expect(broken.seen).toHaveLength(1);
  expect(await started.stat("wasmcustom.scope=.=inbound;.;retry_budget_denied_total")).toBe(1);
  await started.waitFor(() => started.output().includes("decision=refused"), "a line of the access log");
});

test("a stamp that a client writes is taken off by the caller's proxy: at the server it is a call", async () => {
  const upstream = await closed();
  const server = { per: "proxy", percent: 0, minRetries: 0 };
  const inbound = await chain(upstream, {
    ...{ direction: "INBOUND", route: {}, metadata: { retryOn: "", attempts: 0 } },
    config: server,
  });
  const outbound = await chain(inbound, { config: { minRetries: 1 } });
  const started = await envoy([inbound, outbound]);
  await get(outbound.port, { "x-retry-budget": "v1" });
  expect(upstream.seen).toHaveLength(2); // and the retry is the caller's budget's
  expect(await started.stat("wasmcustom.scope=.=inbound;.;retry_budget_calls_total")).toBe(1);
});

test.each`
  caller       | without  | reached | answered
  ${"without"} | ${true}  | ${25}   | ${"exhausted"}
  ${"with"}    | ${false} | ${30}   | ${"exhausted"}
`("a server defends itself against retries of a caller $caller a budget", async ({ without, reached, answered }) => {
  const upstream = await closed();
  const inbound = await chain(upstream, {
    ...{ direction: "INBOUND", route: {}, metadata: { retryOn: "", attempts: 0 } },
    config: { percent: 25, minRetries: 0 },
  });
  const outbound = await chain(inbound, { without });
  await envoy([inbound, outbound]);
  const replies = await calls(outbound.port, { count: 20 });
  expect(ofAll(replies, "x-retry-budget")).toEqual({ [answered]: 20 });
  expect(upstream.seen).toHaveLength(reached); // 20 calls, and 25 % or, by the caller's own rule, 50 %
  for (const { headers } of upstream.seen) {
    expect([headers["x-retry-budget"], headers["x-envoy-attempt-count"]]).toEqual([undefined, undefined]);
  }
});
