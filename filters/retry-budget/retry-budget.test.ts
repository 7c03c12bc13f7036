import { describe, expect, test } from "vitest";
import * as Status from "../../sdk/abi/status.ts";
import type { Host } from "../../sdk/host/index.ts";
import { cluster, failing, fiveHundreds, load, retried, scope, told } from "./test-support/fixture.ts";
import "../../sdk/vitest/index.ts";

test("no configuration is the defaults: in 10 s 20 %, but at least 10 retries", async () => {
  const host = await load();
  for (let i = 0; i < 100; i++) host.fetch({}, failing, retried());
  expect(host).toHaveMetric("retry_budget_retries_total", scope, 20);
  host.advance("9900ms");
  expect(host.fetch({}, failing, retried()).attempts).toBe(1);
  host.advance("1100ms");
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
    ${"cancelled"}                  | ${{ status: 200, headers: { "grpc-status": "1" } }}            | ${true}
    ${"deadline-exceeded"}          | ${{ status: 200, headers: { "grpc-status": "4" } }}            | ${true}
    ${"resource-exhausted"}         | ${{ status: 200, headers: { "grpc-status": "8" } }}            | ${true}
    ${"internal"}                   | ${{ status: 200, headers: { "grpc-status": "13" } }}           | ${true}
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
      const state = reply.filterState.get("sluice.retry-budget") ?? "";
      expect(state).toMatch(/^reserved \d+ \d+$/);
      const timeNs = state.split(" ")[2] ?? "";
      expect(BigInt(timeNs)).toBeLessThan(host.nowNs / 1000n); // of the monotonic clock, not of the wall's
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

test("a caller's stamp goes no further, and its request is a call", async () => {
  const host = await load({ minRetries: 1, percent: 0 });
  const stamps: (string | undefined)[] = [];
  host.fetch(
    { headers: { "x-retry-budget": "v1" } },
    ({ headers }) => {
      stamps.push(headers.get("x-retry-budget"));
      return failing();
    },
    retried(),
  );
  expect(stamps).toEqual([undefined, "v1"]);
  expect(host).toHaveMetric("retry_budget_calls_total", scope, 1);
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
    const decision = reply.filterState.get("sluice.retry-budget");
    return { status, reached, mark: reply.headers.get("x-envoy-ratelimited"), decision };
  };

  test("stamped retries pass, others draw on the server's budget, and the application sees no trace of it", async () => {
    const host = await load({ minRetries: 1, percent: 0 }, inbound);
    const clean = { status: 200, reached: [undefined, undefined], mark: undefined, decision: undefined };
    expect(arrive(host, { "x-envoy-attempt-count": "1" })).toEqual(clean);
    expect(arrive(host, {})).toEqual(clean);
    for (let i = 0; i < 3; i++) {
      expect(arrive(host, { "x-envoy-attempt-count": "2", "x-retry-budget": "v1" })).toEqual(clean);
    }
    expect(arrive(host, { "x-envoy-attempt-count": "2" })).toEqual(clean);
    // An application's own retry, which the caller's budget has admitted: the first attempt, yet no call.
    expect(arrive(host, { "x-envoy-attempt-count": "1", "x-retry-budget": "v1" })).toEqual(clean);
    // The caller's proxy stops at this mark, which is not its own to remove.
    const refused = { status: 503, reached: [], mark: "true", decision: "refused" };
    expect(arrive(host, { "x-envoy-attempt-count": "3" })).toEqual(refused);
    expect(host).toHaveMetric("retry_budget_calls_total", { scope: "inbound|8080||" }, 2);
    expect(host).toHaveMetric("retry_budget_retries_total", { scope: "inbound|8080||" }, 1);
  });

  describe("its proxy's own retries, after a reset, draw on its budget", () => {
    const resets = { ...options, route: { retryOn: "reset", attempts: 2, metadata: { "dev.sluice": told } } };

    test("and the application sees no stamp on them", async () => {
      const host = await load({ minRetries: 1, percent: 0 }, inbound);
      const seen: (string | undefined)[] = [];
      const reply = host.fetch(
        {},
        ({ number, headers }) => {
          seen.push(headers.get("x-retry-budget"));
          return number === 1 ? { reset: "connection-failure" } : { status: 200 };
        },
        resets,
      );
      expect([reply.status, seen]).toEqual([200, [undefined, undefined]]);
      expect(host).toHaveMetric("retry_budget_retries_total", { scope: "inbound|8080||" }, 1);
    });

    test("and one that is refused ends the retries of the caller's proxy, too", async () => {
      const host = await load({ minRetries: 0, percent: 0 }, inbound);
      const reply = host.fetch({}, () => ({ reset: "connection-failure" }), resets);
      expect([reply.status, reply.headers.get("x-retry-budget")]).toEqual([503, "exhausted"]);
      expect(reply.headers.get("x-envoy-ratelimited")).toBe("true");
      expect(reply.filterState.get("sluice.retry-budget")).toBe("refused");
    });
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

  test("per proxy is another one inbound", async () => {
    const host = await load({ per: "proxy" }, { listener: { direction: "inbound" } });
    host.fetch({}, undefined, retried());
    expect(host).toHaveMetric("retry_budget_calls_total", { scope: "inbound" }, 1);
  });

  test.each`
    per              | name
    ${"destination"} | ${""}
    ${"route"}       | ${"/"}
  `("per $per of what Envoy doesn't tell is '$name', which has a budget, too", async ({ per, name }) => {
    const host = await load({ per, minRetries: 1, percent: 0 });
    host.faults.fail("proxy_get_property", Status.NotFound);
    expect(host.fetch({}, failing, retried()).attempts).toBe(2);
    expect(host).toHaveMetric("retry_budget_denied_total", { scope: name }, 1);
  });

  const callEach = (host: Host, names: readonly string[], worker = 0) => {
    for (const name of names) host.fetch({}, undefined, { ...retried({ cluster: { ...cluster, name } }), worker });
  };
  const numbered = (count: number) => Array.from({ length: count }, (_, i) => `c${i}`);

  test("256 scopes have budgets of their own; what comes then shares one, and that is counted", async () => {
    const host = await load({ minRetries: 0, percent: 0 }, { workers: 2 });
    callEach(host, numbered(256));
    const ours = () => host.shared.keys().filter((key) => key.startsWith("retry-budget/"));
    const keys = ours();
    expect(keys).toHaveLength(256 + 1); // the layout
    expect(host).not.toHaveMetric("retry_budget_collisions_total");
    callEach(host, ["another", "c7"], 1); // not known to this worker
    expect(host).toHaveMetric("retry_budget_collisions_total", {}, 1);
    callEach(host, ["another", "one more", "c8"]);
    expect(host).toHaveMetric("retry_budget_collisions_total", {}, 3);
    expect(ours()).toEqual(keys);
  });
});
