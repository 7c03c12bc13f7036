import type { IncomingMessage, ServerResponse } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort, startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { type Chain, filterBootstrap, type Json } from "../support/filter-envoy.ts";
import { filterModule } from "../support/filter-module.ts";
import { call } from "../support/http.ts";
import { grpcCall } from "../support/http2.ts";
import { startGrpcUpstream, startUpstream, type Upstream } from "../support/upstream.ts";
import { until } from "../support/wait.ts";

// How a deadline plays together with a route's timeout, timeouts of attempts, retries and the retry budget. One Envoy, whose
// listeners differ in their budget; a route for each row, told to the filters as the controller does.

/** What an upstream does with an attempt: `503 after 200` waits for 200 ms. */
type Deed = "never" | "reset" | `${number}` | `${number} after ${number}`;

interface Row {
  /** Milliseconds that the caller gives; undefined: none. */
  readonly sent?: number;
  readonly upstream: Deed;
  readonly timeoutMs: number;
  readonly perTryMs: number;
  readonly retries: number;
  readonly minimumMs: number;
}

interface Outcome {
  readonly status: number;
  readonly mark: string | undefined;
  readonly attempts: number;
}

let envoy: TestEnvoy;
let upstream: Upstream;
let grpcUpstream: Upstream;
const ports = { plenty: 0, none: 0, grpc: 0 };
const rows: Row[] = [];

/** A row's number, by which its route is chosen and its attempts are found again. */
function row(one: Partial<Row> & Pick<Row, "upstream">): number {
  return rows.push({ timeoutMs: 0, perTryMs: 0, retries: 0, minimumMs: 0, ...one }) - 1;
}

function route({ timeoutMs, perTryMs, retries, minimumMs }: Row, id: number, cluster: string): Json {
  const retryOn = "5xx,reset,unavailable";
  const retry_policy = {
    retry_on: retryOn,
    num_retries: retries,
    retry_back_off: { base_interval: minimumMs > 0 ? "0.3s" : "0.001s" },
    ...(perTryMs > 0 ? { per_try_timeout: `${perTryMs / 1000}s` } : {}),
  };
  const told = { retryOn, attempts: retries, timeoutMs, ...(minimumMs > 0 ? { minimumMs } : {}) };
  return {
    name: `row-${id}`,
    match: { prefix: "/", headers: [{ name: "x-row", string_match: { exact: String(id) } }] },
    route: { cluster, timeout: `${timeoutMs / 1000}s`, ...(retries > 0 ? { retry_policy } : {}) },
    metadata: { filter_metadata: { "dev.sluice": told } },
  };
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const deed = rows[Number(request.headers["x-row"])]?.upstream ?? "200";
  if (deed === "never") return;
  if (deed === "reset") return void request.socket.destroy();
  const [status, , afterMs = "0"] = deed.split(" ");
  setTimeout(() => response.writeHead(Number(status)).end("of the upstream"), Number(afterMs));
}

const cases = {
  // time left, route's timeout
  left: row({ sent: 300, upstream: "never" }),
  leftOfRoute: row({ sent: 300, upstream: "never", timeoutMs: 10_000 }),
  routeOfLeft: row({ sent: 10_000, upstream: "never", timeoutMs: 300 }),
  routeAlone: row({ upstream: "never", timeoutMs: 300 }),
  // timeouts of attempts
  perTry: row({ sent: 10_000, upstream: "never", perTryMs: 200, retries: 2 }),
  perTryAndRoute: row({ sent: 10_000, upstream: "never", timeoutMs: 600, perTryMs: 400, retries: 5 }),
  leftOfPerTry: row({ sent: 300, upstream: "never", perTryMs: 5000, retries: 2 }),
  leftDuringTries: row({ sent: 900, upstream: "never", perTryMs: 600, retries: 5 }),
  // retries
  failing: row({ sent: 10_000, upstream: "503", retries: 3 }),
  resetting: row({ sent: 10_000, upstream: "reset", retries: 3 }),
  last: row({ sent: 10_000, upstream: "503 after 1100", retries: 3, minimumMs: 9000 }),
  success: row({ sent: 10_000, upstream: "200 after 1100", retries: 3, minimumMs: 9000 }),
  tooLate: row({ sent: 10_000, upstream: "reset", retries: 8, minimumMs: 9700 }),
} as const;

beforeAll(async () => {
  const [deadline, budget] = [await filterModule("deadline"), await filterModule("retry-budget")];
  upstream = await startUpstream(answer);
  grpcUpstream = await startGrpcUpstream(() => {});
  const chain = async (name: keyof typeof ports, minRetries: number): Promise<Chain> => {
    ports[name] = await freePort();
    const isGrpc = name === "grpc";
    return {
      direction: "OUTBOUND",
      port: ports[name],
      upstreamPorts: [isGrpc ? grpcUpstream.port : upstream.port],
      http2: isGrpc,
      plugins: [
        { name: "retry-budget", module: budget, config: { window: "10m", percent: 0, minRetries } },
        { name: "deadline", module: deadline },
      ],
      routes: rows.map((one, id) => route(one, id, `outbound|${ports[name]}`)),
      accessLog: `row=%REQ(x-row)% port=${name} %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% deadline=%FILTER_STATE(wasm.sluice.deadline:PLAIN)%;`,
    };
  };
  const chains = [await chain("plenty", 1000), await chain("none", 0), await chain("grpc", 1000)];
  envoy = await startEnvoy(filterBootstrap(chains));
  await envoy.live();
});
afterAll(async () => {
  await envoy?.stop();
  await Promise.all([upstream?.stop(), grpcUpstream?.stop()]);
});

/** Attempts of a row that reached the upstream, by what they were told was left. */
function toldOf({ seen }: Upstream, id: number, from: number): readonly number[] {
  const own = seen.slice(from).filter(({ headers }) => headers["x-row"] === String(id));
  for (const { headers } of own) expect(headers["x-request-timeout-ms"] ?? "1").toMatch(/^[1-9]\d*$/);
  return own.map(({ headers }) => Number(headers["x-request-timeout-ms"]));
}

async function run(id: number, port: "plenty" | "none" = "plenty") {
  const from = upstream.seen.length;
  const sent = rows[id]?.sent;
  const headers = { "x-row": String(id), ...(sent === undefined ? {} : { "x-request-timeout-ms": String(sent) }) };
  const reply = await call({ host: "127.0.0.1", port: ports[port], headers });
  expect(reply.headers["x-envoy-ratelimited"]).toBeUndefined();
  const line = await envoy.waitFor(
    () => new RegExp(`row=${id} port=${port} (.*?);`).exec(envoy.output())?.[1],
    "the access log",
  );
  const told = toldOf(upstream, id, from);
  const outcome: Outcome = { status: reply.status, mark: header(reply, "x-deadline"), attempts: told.length };
  return { reply, outcome, told, line };
}

const header = ({ headers }: { headers: NodeJS.Dict<string | string[]> }, name: string) => headers[name]?.toString();

describe("time left and the route's timeout: the less", () => {
  test.each`
    name             | mark          | most   | line
    ${"left"}        | ${"exceeded"} | ${300} | ${"UT response_timeout deadline=exceeded"}
    ${"leftOfRoute"} | ${"exceeded"} | ${300} | ${"UT response_timeout deadline=exceeded"}
    ${"routeOfLeft"} | ${undefined}  | ${300} | ${"UT response_timeout deadline=-"}
    ${"routeAlone"}  | ${undefined}  | ${300} | ${"UT response_timeout deadline=-"}
  `("$name: one attempt with at most $most ms, mark $mark", async ({ name, mark, most, line }) => {
    const found = await run(cases[name as keyof typeof cases]);
    expect(found.outcome).toEqual({ status: 504, mark, attempts: 1 });
    expect(Math.max(...found.told)).toBeLessThanOrEqual(most);
    expect(found.line).toBe(line);
    await until(() => upstream.seen.at(-1)?.isBroken, "the upstream to see the reset");
  });
});

describe("time left and the timeout of attempts", () => {
  test("each attempt has its own, and all of them are made", async () => {
    const { outcome, told, line } = await run(cases.perTry);
    expect(outcome).toEqual({ status: 504, mark: undefined, attempts: 3 });
    expect(Math.max(...told)).toBeLessThanOrEqual(200);
    expect(line).toBe("URX,UT upstream_per_try_timeout deadline=-");
  });

  test.each`
    name                 | mark          | first  | line
    ${"perTryAndRoute"}  | ${undefined}  | ${400} | ${"UT response_timeout deadline=-"}
    ${"leftDuringTries"} | ${"exceeded"} | ${600} | ${"UT response_timeout deadline=exceeded"}
  `("$name: the second has the rest", async ({ name, mark, first, line }) => {
    const found = await run(cases[name as keyof typeof cases]);
    expect(found.outcome).toEqual({ status: 504, mark, attempts: 2 });
    const [of1 = 0, of2 = 0] = found.told;
    expect(of1).toBeLessThanOrEqual(first);
    expect(of2).toBeLessThan(of1);
    expect(found.line).toBe(line);
  });

  test("that is longer has no effect", async () => {
    const { outcome, told, line } = await run(cases.leftOfPerTry);
    expect(outcome).toEqual({ status: 504, mark: "exceeded", attempts: 1 });
    expect(told[0]).toBeLessThanOrEqual(300);
    expect(line).toBe("UT response_timeout deadline=exceeded");
  });
});

describe("time left and retries", () => {
  test.each(["failing", "resetting"] as const)("%s: all are made, each is told less", async (name) => {
    const { outcome, told } = await run(cases[name]);
    expect(outcome).toEqual({ status: 503, mark: undefined, attempts: 4 });
    expect(told).toEqual(told.toSorted((a, b) => b - a));
  });

  test("there is no attempt after one that leaves less than the route's minimum: its response passes", async () => {
    const { reply, outcome, line } = await run(cases.last);
    expect([outcome, reply.body]).toEqual([{ status: 503, mark: undefined, attempts: 1 }, "of the upstream"]);
    expect(line).toMatch(/via_upstream deadline=last attempt$/);
  });

  test("a success that leaves as little is no last attempt", async () => {
    const { outcome, line } = await run(cases.success);
    expect(outcome).toEqual({ status: 200, mark: undefined, attempts: 1 });
    expect(line).toBe("- via_upstream deadline=-");
  });

  test("an attempt that comes too late by its back-off is answered, not made, and not tried again", async () => {
    const { reply, outcome, line } = await run(cases.tooLate);
    expect([outcome.status, outcome.mark, reply.body]).toEqual([504, "exceeded", "deadline exceeded"]);
    expect(outcome.attempts).toBeGreaterThan(0);
    expect(outcome.attempts).toBeLessThan(9);
    expect(line).toMatch(/deadline_exceeded deadline=exceeded$/);
    expect(await envoy.stat("wasmcustom.deadline_exceeded_before_attempt_total")).toBe(1);
  });
});

describe("time left and a retry budget that is spent", () => {
  test.each`
    name           | status | mark          | body                          | exhausted
    ${"failing"}   | ${503} | ${undefined}  | ${"of the upstream"}          | ${"exhausted"}
    ${"resetting"} | ${503} | ${undefined}  | ${"retry budget exhausted"}   | ${"exhausted"}
    ${"last"}      | ${503} | ${undefined}  | ${"of the upstream"}          | ${undefined}
    ${"success"}   | ${200} | ${undefined}  | ${"of the upstream"}          | ${undefined}
    ${"left"}      | ${504} | ${"exceeded"} | ${"upstream request timeout"} | ${undefined}
  `("$name: one attempt, $status", async ({ name, status, mark, body, exhausted }) => {
    const { reply, outcome } = await run(cases[name as keyof typeof cases], "none");
    expect(outcome).toEqual({ status, mark, attempts: 1 });
    expect([reply.body, header(reply, "x-retry-budget")]).toEqual([body, exhausted]);
  });

  test("what has passed on arrival draws on no budget and reaches nobody", async () => {
    const from = upstream.seen.length;
    const calls = () => envoy.stat(`wasmcustom.scope=.=outbound|${ports.none};.;retry_budget_calls_total`);
    const before = await calls();
    const headers = { "x-row": String(cases.failing), "x-request-timeout-ms": "0" };
    expect((await call({ host: "127.0.0.1", port: ports.none, headers })).status).toBe(504);
    expect([upstream.seen.length - from, (await calls()) - before]).toEqual([0, 0]);
  });
});

describe("gRPC", () => {
  test.each`
    name                 | status  | mark          | attempts
    ${"left"}            | ${"4"}  | ${"exceeded"} | ${1}
    ${"routeOfLeft"}     | ${"4"}  | ${undefined}  | ${1}
    ${"routeAlone"}      | ${"14"} | ${undefined}  | ${1}
    ${"perTry"}          | ${"4"}  | ${undefined}  | ${3}
    ${"leftDuringTries"} | ${"4"}  | ${"exceeded"} | ${2}
  `("$name: status $status after $attempts attempts, each told in grpc-timeout", async (expected) => {
    const id = cases[expected.name as keyof typeof cases];
    const from = grpcUpstream.seen.length;
    const sent = rows[id]?.sent;
    const headers = { "x-row": String(id), ...(sent === undefined ? {} : { "grpc-timeout": `${sent}m` }) };
    const reply = await grpcCall(ports.grpc, headers);
    const { status, mark } = expected;
    expect([reply[":status"], reply["grpc-status"], header({ headers: reply }, "x-deadline")]).toEqual([
      200,
      status,
      mark,
    ]);
    const own = grpcUpstream.seen.slice(from);
    expect(own).toHaveLength(expected.attempts);
    for (const { headers } of own) expect(headers["grpc-timeout"]).toMatch(/^\d{1,8}[nu]$/);
    await until(() => own.every(({ isBroken }) => isBroken), "the upstream to see the resets");
  });
});
