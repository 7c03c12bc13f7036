import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { freePort, startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { type Chain, filterBootstrap, moduleOf } from "../support/filter-envoy.ts";
import { call, type Reply, tally } from "../support/http.ts";

// The filters in a real Envoy, both halves in one process, counted at an upstream that answers what it is told to.

interface Seen {
  readonly id: string;
  readonly headers: IncomingMessage["headers"];
}

/** An HTTP/1.1 upstream that remembers what reached it. */
interface Upstream {
  readonly port: number;
  readonly seen: readonly Seen[];
  readonly server: Server;
}

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function upstream(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Upstream> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    seen.push({ id: String(request.headers["x-request-id"]), headers: request.headers });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, seen, server };
}

async function envoy(chains: readonly Chain[], concurrency = 1, node?: string): Promise<TestEnvoy> {
  const started = await startEnvoy(filterBootstrap(chains, node), {
    concurrency,
    args: ["--component-log-level", "wasm:info"],
  });
  cleanups.push(() => started.stop());
  await started.live();
  return started;
}

/** `calls` calls over `parallel` connections. */
async function calls(port: number, { count, parallel = 1 }: { count: number; parallel?: number }): Promise<Reply[]> {
  const replies: Reply[] = [];
  let left = count;
  const work = async () => {
    while (left-- > 0) replies.push(await call({ host: "127.0.0.1", port, path: "/items" }));
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

const failing = (_: IncomingMessage, response: ServerResponse) =>
  void response.writeHead(503, { "x-shop": "closed" }).end("closed for today");
const retries = { retry_policy: { retry_on: "5xx", num_retries: 3, retry_back_off: { base_interval: "0.001s" } } };
const metadata = { retryOn: "5xx", attempts: 3, timeoutMs: 0 };

describe("retry-budget", () => {
  let module: Uint8Array;
  beforeAll(async () => {
    module = await moduleOf("retry-budget");
  });

  /** All calls of a test lie in one window. */
  const budget = (config: Readonly<Record<string, unknown>> = {}) => ({
    name: "retry-budget",
    module,
    config: { window: "10m", percent: 50, minRetries: 0, ...config },
  });

  test("without it each call becomes four attempts", async () => {
    const { port: upstreamPort, seen } = await upstream(failing);
    const port = await freePort();
    await envoy([
      { direction: "OUTBOUND", port, upstreamPorts: [upstreamPort], plugins: [], route: retries, metadata },
    ]);
    await calls(port, { count: 10 });
    expect(seen).toHaveLength(40);
  });

  test.each`
    concurrency | parallel
    ${1}        | ${1}
    ${2}        | ${8}
  `("at 50 % retries are half of the calls, $parallel at a time on $concurrency workers", async (row) => {
    const { port: upstreamPort, seen } = await upstream(failing);
    const port = await freePort();
    const chain: Chain = {
      ...{ direction: "OUTBOUND", port, upstreamPorts: [upstreamPort], plugins: [budget()], route: retries, metadata },
      accessLog: "decision=%FILTER_STATE(wasm.sluice.retry-budget:PLAIN)%",
    };
    const started = await envoy([chain], row.concurrency);
    const replies = await calls(port, { count: 200, parallel: row.parallel });
    expect(tally(replies, (reply) => reply.status)).toEqual({ 503: 200 });
    expect(tally(replies, (reply) => reply.body)).toEqual({ "closed for today": 200 });
    expect(tally(replies, (reply) => reply.headers["x-shop"])).toEqual({ closed: 200 });
    expect(tally(replies, (reply) => reply.headers["x-envoy-ratelimited"])).toEqual({ undefined: 200 });
    const made = halfOfCalls(seen, row.parallel);
    expect(made).toBeLessThanOrEqual(100);
    expect(made).toBeGreaterThan(90); // a call that had all of its four attempts leaves the rest to none
    const { exhausted } = tally(replies, (reply) => reply.headers["x-retry-budget"]);
    const whole = Object.values(tally(seen, ({ id }) => id)).filter((attempts) => attempts === 4).length;
    expect(exhausted).toBe(200 - whole);
    const stat = (name: string) => started.stat(`wasmcustom.scope=.=outbound|${port};.;${name}`);
    expect(await stat("retry_budget_calls_total")).toBe(200);
    expect(await stat("retry_budget_retries_total")).toBe(made);
    expect(await stat("retry_budget_denied_total")).toBe(exhausted);
    expect(await stat("retry_budget_used_percent")).toBe(made);
    await started.waitFor(() => started.output().includes("decision=denied"), "a line of the access log");
  });
});
