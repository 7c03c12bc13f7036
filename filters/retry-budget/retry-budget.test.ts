import { beforeAll, describe, expect, test } from "vitest";
import * as Status from "../../sdk/abi/status.ts";
import { Host } from "../../sdk/host/index.ts";
import { filterModule } from "../../test/support/filter-module.ts";
import "../../sdk/vitest/index.ts";

let module: Uint8Array;
beforeAll(async () => {
  module = await filterModule("retry-budget");
});

type HostOptions = NonNullable<Parameters<typeof Host.load>[1]>;
type FetchOptions = NonNullable<Parameters<Host["fetch"]>[2]>;

const load = (config: Readonly<Record<string, unknown>> = {}, options: Partial<HostOptions> = {}) =>
  Host.load(module, { config, upstream: true, listener: { direction: "outbound" }, ...options });

const cluster = { name: "outbound|80||catalog.shop", endpoints: [{ address: "10.0.0.7:8080" }] };
const fiveHundreds = { retryOn: "5xx", attempts: 3, attemptCount: true };
const told = { retryOn: "5xx", attempts: 3, timeoutMs: 0 };

/** A route on which 5xx is retried three times, and the filter knows it. */
const retried = (options: Partial<FetchOptions> = {}): FetchOptions => ({
  route: { ...fiveHundreds, metadata: { "dev.sluice": told } },
  cluster,
  ...options,
});

const failing = () => ({ status: 503, headers: { "x-shop": "closed" }, body: "closed" });
const scope = { scope: cluster.name };

test("no configuration is the defaults: 20 %, but at least 10 retries", async () => {
  const host = await load();
  for (let i = 0; i < 100; i++) host.fetch({}, failing, retried());
  expect(host).toHaveMetric("retry_budget_retries_total", scope, 20);
  host.advance("11s");
  for (let i = 0; i < 20; i++) host.fetch({}, failing, retried());
  expect(host).toHaveMetric("retry_budget_retries_total", scope, 30);
});

describe("a failed attempt", () => {
  test("is retried while the budget lasts, then passes as it is", async () => {
    const host = await load({ minRetries: 2, percent: 0 });
    const [first, second] = [host.fetch({}, failing, retried()), host.fetch({}, failing, retried())];
    expect([first.attempts, second.attempts]).toEqual([3, 1]);
    for (const reply of [first, second]) {
      expect([reply.status, reply.body, reply.headers.get("x-shop")]).toEqual([503, "closed", "closed"]);
      expect(reply).toHaveHeader("x-retry-budget", "exhausted");
      expect(reply).not.toHaveHeader("x-envoy-ratelimited");
      expect(reply.filterState.get("sluice.retry-budget")).toBe("denied");
    }
    expect(host).toHaveMetric("retry_budget_calls_total", scope, 2);
    expect(host).toHaveMetric("retry_budget_retries_total", scope, 2);
    expect(host).toHaveMetric("retry_budget_denied_total", scope, 2);
    expect(host).toHaveMetric("retry_budget_used_percent", scope, 100);
    host.advance("11s");
    host.fetch({}, () => ({ status: 200 }), retried());
    expect(host).toHaveMetric("retry_budget_used_percent", scope, 0);
  });

  test.each`
    retryOn                         | answer                                                         | marked
    ${"gateway-error"}              | ${{ status: 500 }}                                             | ${false}
    ${"gateway-error"}              | ${{ status: 502 }}                                             | ${true}
    ${"reset,retriable-4xx"}        | ${{ status: 409 }}                                             | ${true}
    ${"retriable-status-codes,429"} | ${{ status: 429 }}                                             | ${true}
    ${"retriable-status-codes,429"} | ${{ status: 503 }}                                             | ${false}
    ${"unavailable"}                | ${{ status: 200, headers: { "grpc-status": "14" } }}           | ${true}
    ${"cancelled"}                  | ${{ status: 200, headers: { "grpc-status": "14" } }}           | ${false}
    ${"5xx,unavailable"}            | ${{ status: 200, headers: { "grpc-status": "0" } }}            | ${false}
    ${"5xx"}                        | ${{ status: 503, headers: { "x-envoy-ratelimited": "true" } }} | ${false}
    ${"5xx"}                        | ${{ status: 200, headers: { "grpc-status": "x\u00ff" } }}      | ${false}
  `("without budget under $retryOn, $answer is marked: $marked", async ({ retryOn, answer, marked }) => {
    const host = await load({ minRetries: 0, percent: 0 });
    const metadata = { "dev.sluice": { retryOn, attempts: 2, timeoutMs: 0 } };
    const route = { retryOn, retriableStatusCodes: [429], attempts: 2, metadata };
    const reply = host.fetch({}, () => answer, retried({ route }));
    expect([reply.attempts, reply.status]).toEqual([1, answer.status]);
    expect(reply.headers.get("x-retry-budget")).toBe(marked ? "exhausted" : undefined);
    expect(reply.headers.get("x-envoy-ratelimited")).toBe(answer.headers?.["x-envoy-ratelimited"]);
  });

  test("at the last attempt reserves nothing", async () => {
    const host = await load({ minRetries: 5, percent: 0 });
    const reply = host.fetch({}, failing, retried());
    expect([reply.attempts, reply.headers.get("x-retry-budget")]).toEqual([4, undefined]);
    expect(reply.filterState.get("sluice.retry-budget")).toBe("used");
    expect(host).toHaveMetric("retry_budget_retries_total", scope, 3);
  });

  test("on a route of which nothing is known counts as retried at 5xx, and what was not used is given back", async () => {
    const host = await load({ minRetries: 1, percent: 0 });
    for (let i = 0; i < 5; i++) {
      const reply = host.fetch({}, failing, { cluster, route: {} });
      expect([reply.attempts, reply.headers.get("x-retry-budget")]).toEqual([1, undefined]);
      expect(reply.filterState.get("sluice.retry-budget")).toMatch(/^reserved /);
    }
    expect(host.fetch({}, failing, retried()).attempts).toBe(2);
  });

  test("of a caller who goes away gives its reservation back", async () => {
    const host = await load({ minRetries: 1, percent: 0 });
    const stream = host.stream({}, retried());
    stream.attempt()?.respond({ status: 503 });
    expect(host.fetch({}, failing, retried()).attempts).toBe(1); // the other one has it
    stream.disconnect();
    expect(host.fetch({}, failing, retried()).attempts).toBe(2);
  });
});

describe("an attempt without a reservation", () => {
  const resets = retried({
    route: { retryOn: "5xx,reset,connect-failure", attempts: 3, metadata: { "dev.sluice": told } },
  });

  test("takes one where there is one, else is answered in the upstream's place", async () => {
    const host = await load({ minRetries: 2, percent: 0 });
    let reached = 0;
    const broken = () => {
      reached += 1;
      return { reset: "connection-failure" } as const;
    };
    const reply = host.fetch({}, broken, resets);
    expect([reply.status, reply.body, reached]).toEqual([503, "retry budget exhausted", 3]);
    expect(reply).toHaveHeader("x-retry-budget", "exhausted");
    expect(reply).not.toHaveHeader("x-envoy-ratelimited");
    expect(host).toHaveMetric("retry_budget_retries_total", scope, 2);
    expect(host).toHaveMetric("retry_budget_denied_total", scope, 1);
  });

  test("is answered to gRPC with UNAVAILABLE", async () => {
    const host = await load({ minRetries: 0, percent: 0 });
    const headers = { "content-type": "application/grpc", te: "trailers" };
    const reply = host.fetch({ method: "POST", headers }, () => ({ reset: "connection-failure" }), resets);
    expect([reply.status, reply.headers.get("grpc-status")]).toEqual([200, "14"]);
  });
});

describe("retries that the application makes", () => {
  const config = { minRetries: 1, percent: 0, retryHeader: "x-again" };

  test("are counted and limited as retries", async () => {
    const host = await load(config);
    const again = { headers: { "x-again": "" } };
    const stamps: (string | undefined)[] = [];
    const statuses = [1, 2].map(() => {
      const reply = host.fetch(
        again,
        ({ headers }) => {
          stamps.push(headers.get("x-retry-budget"));
          return { status: 200 };
        },
        retried(),
      );
      return [reply.status, reply.headers.get("x-retry-budget"), reply.headers.get("x-envoy-ratelimited")];
    });
    expect(statuses).toEqual([
      [200, undefined, undefined],
      [503, "exhausted", undefined],
    ]);
    expect(stamps).toEqual(["v1"]);
    expect(host).not.toHaveMetric("retry_budget_calls_total", scope);
  });
});

describe("on the server's side", () => {
  const inbound = { listener: { direction: "inbound" } } as const;
  const options = { cluster: { ...cluster, name: "inbound|8080||" } };
  const arrive = (host: Host, headers: Record<string, string>) => {
    let reached: (string | undefined)[] = [];
    const reply = host.fetch(
      { headers },
      (attempt) => {
        reached = ["x-envoy-attempt-count", "x-retry-budget"].map((name) => attempt.headers.get(name));
        return { status: 200 };
      },
      options,
    );
    const { status } = reply;
    return { status, reached, mark: reply.headers.get("x-envoy-ratelimited") };
  };

  test("stamped retries pass, others draw on the server's budget, and the application sees no trace of it", async () => {
    const host = await load({ minRetries: 1, percent: 0 }, inbound);
    const clean = { status: 200, reached: [undefined, undefined], mark: undefined };
    expect(arrive(host, { "x-envoy-attempt-count": "1" })).toEqual(clean);
    expect(arrive(host, {})).toEqual(clean);
    for (let i = 0; i < 3; i++) {
      expect(arrive(host, { "x-envoy-attempt-count": "2", "x-retry-budget": "v1" })).toEqual(clean);
    }
    expect(arrive(host, { "x-envoy-attempt-count": "2" })).toEqual(clean);
    // An application's own retry, which the caller's budget has admitted: the first attempt, yet no call.
    expect(arrive(host, { "x-envoy-attempt-count": "1", "x-retry-budget": "v1" })).toEqual(clean);
    // The caller's proxy stops at this mark, which is not its own to remove.
    expect(arrive(host, { "x-envoy-attempt-count": "3" })).toEqual({ status: 503, reached: [], mark: "true" });
    expect(host).toHaveMetric("retry_budget_calls_total", { scope: "inbound|8080||" }, 2);
    expect(host).toHaveMetric("retry_budget_retries_total", { scope: "inbound|8080||" }, 1);
  });

  test.each(["", "x", "-2", "2 ", "99999999999999999999", "0", "\u00ff"])(
    "an attempt count of '%s' is none",
    async (count) => {
      const host = await load({ minRetries: 0, percent: 0 }, inbound);
      expect(arrive(host, { "x-envoy-attempt-count": count }).status).toBe(200);
    },
  );
});

describe("the scope", () => {
  test.each`
    per              | separate | scopes
    ${"destination"} | ${true}  | ${["a", "b"]}
    ${"route"}       | ${true}  | ${["shop/a", "shop/b"]}
    ${"proxy"}       | ${false} | ${["outbound"]}
  `("per $per: budgets of $scopes", async ({ per, separate, scopes }) => {
    const host = await load({ minRetries: 1, percent: 0, per });
    const to = (name: string) =>
      retried({
        route: { ...fiveHundreds, name, metadata: { "dev.sluice": told } },
        cluster: { ...cluster, name },
        properties: { "xds.virtual_host_name": "shop" },
      });
    expect(host.fetch({}, failing, to("a")).attempts).toBe(2);
    expect(host.fetch({}, failing, to("b")).attempts).toBe(separate ? 2 : 1);
    const named = host.metrics.names.filter((name) => name.endsWith("retry_budget_calls_total"));
    expect(named.map((name) => name.split(/=\.=|;\.;/)[1]).sort()).toEqual(scopes);
  });

  test("names that collide share a budget, and that is counted", async () => {
    const host = await load({ minRetries: 0, percent: 0 });
    for (let i = 0; i < 400; i++) host.fetch({}, undefined, retried({ cluster: { ...cluster, name: `c${i}` } }));
    expect(host.metrics.counter("retry_budget_collisions_total")).toBeGreaterThan(400 - 256);
    expect(host.shared.keys().length).toBeLessThanOrEqual(256 + 2); // the layout, and the names of metrics
  });
});

describe("workers and versions", () => {
  test("workers have one budget together", async () => {
    const host = await load({ minRetries: 0, percent: 50 }, { workers: 3 });
    for (let i = 0; i < 99; i++) host.fetch({}, failing, { ...retried(), worker: i % 3 });
    expect(host).toHaveMetric("retry_budget_retries_total", scope, 49);
  });

  test("what another worker writes between a read and a write is not lost", async () => {
    const host = await load({ minRetries: 0, percent: 19 }, { workers: 2 });
    const ok = () => ({ status: 200 });
    for (let i = 0; i < 5; i++) {
      host.shared.afterNextRead(() => host.fetch({}, ok, { ...retried(), worker: 1 }));
      host.fetch({}, ok, { ...retried(), worker: 0 });
    }
    expect(host.fetch({}, failing, retried()).attempts).toBe(3); // 19 % of 11 calls are 2; of 10 calls, 1
  });

  test("what was counted outlives a change of the configuration", async () => {
    const vmId = "shop/budget";
    const host = await load({ minRetries: 3, percent: 0 }, { vmId });
    host.fetch({}, failing, retried());
    await host.replace(module, { config: { minRetries: 4, percent: 0 }, upstream: true, vmId });
    expect(host.fetch({}, failing, retried()).attempts).toBe(2);
    expect(host.logs.filter(({ text }) => text.includes("start empty"))).toHaveLength(1);
  });

  test("metrics outlive a change of the module, also where nobody asks meanwhile", async () => {
    const vmId = "shop/budget";
    const host = await load({ minRetries: 3, percent: 0 }, { vmId });
    host.fetch({}, failing, retried());
    const before = host.metrics.names.map((name) => [name, host.metrics.counter(name) ?? host.metrics.gauge(name)]);
    const otherVm = { environment: { VERSION: "2" } };
    for (let swap = 0; swap < 2; swap++) {
      await host.replace(module, { config: { minRetries: swap }, upstream: true, vmId, ...(swap ? {} : otherVm) });
      const after = host.metrics.names.map((name) => [name, host.metrics.counter(name) ?? host.metrics.gauge(name)]);
      expect(after).toEqual(before);
    }
    expect(before).toContainEqual([`scope=.=${cluster.name};.;retry_budget_retries_total`, 3]);
  });

  test("where shared data can't be written, requests pass and are not retried", async () => {
    const host = await load();
    host.faults.fail("proxy_set_shared_data", Status.CasMismatch);
    expect(host.fetch({}, failing, retried())).toMatchObject({ status: 503, attempts: 1 });
  });

  test("headers of any bytes do no harm", async () => {
    const host = await load({ retryHeader: "x-again" }, { listener: { direction: "inbound" } });
    for (const value of [new Uint8Array([0xff, 0xfe]), new Uint8Array(61_440).fill(0x61), ""]) {
      const headers = { "x-envoy-attempt-count": value, "x-retry-budget": value, "x-again": value };
      expect(
        host.fetch({ headers }, () => ({ status: 503, headers: { "grpc-status": value } }), retried()).status,
      ).toBe(503);
    }
  });
});

describe("the cost in host calls", () => {
  /** Of a request after the first one, which defines the metrics. */
  async function cost(
    answer: Parameters<Host["fetch"]>[1],
    { config = {}, direction = "outbound" }: { config?: object; direction?: "inbound" | "outbound" } = {},
  ): Promise<Readonly<Record<string, number>>> {
    const host = await load({ ...config }, { listener: { direction } });
    const headers = direction === "inbound" ? { "x-envoy-attempt-count": "1" } : {};
    for (let i = 0; i < 2; i++) {
      host.hostcalls.reset();
      host.fetch({ headers }, answer, retried());
    }
    return host.hostcalls.byName;
  }

  test("of a call are these 10", async () => {
    expect(await cost(() => ({ status: 200 }))).toEqual({
      clock_time_get: 1,
      proxy_get_header_map_value: 2,
      proxy_get_property: 4,
      proxy_get_shared_data: 1,
      proxy_increment_metric: 1,
      proxy_set_shared_data: 1,
    });
  });

  const retryOnce = ({ number }: { number: number }) => ({ status: number === 1 ? 503 : 200 });
  const never = { minRetries: 0, percent: 0 };
  test.each`
    request                 | calls | direction     | config                  | answer
    ${"a call"}             | ${10} | ${"outbound"} | ${{}}                   | ${() => ({ status: 200 })}
    ${"a call"}             | ${13} | ${"inbound"}  | ${{}}                   | ${() => ({ status: 200 })}
    ${"a call and a retry"} | ${27} | ${"outbound"} | ${{ minRetries: 1000 }} | ${retryOnce}
    ${"a denied retry"}     | ${22} | ${"outbound"} | ${never}                | ${failing}
  `("of $request, $direction, is $calls", async ({ calls, direction, config, answer }) => {
    const counts = await cost(answer, { config, direction });
    expect(Object.values(counts).reduce((sum, count) => sum + count)).toBe(calls);
  });
  test("and in memory: what a request brings, what remains of ten thousand, what the module has", async () => {
    const host = await load();
    const request = () => host.fetch({}, () => ({ status: 200 }), retried());
    request();
    expect(host.measure(request)).toStayWithin({ allocations: 5, allocatedBytes: 240, moduleBytes: 30 * 1024 });
    const many = host.measure(() => {
      for (let i = 0; i < 10_000; i++) request();
    });
    expect(many).toStayWithin({ memoryBytes: 65_536 });
  });
});
