import { beforeAll, describe, expect, test } from "vitest";
import { ConfigRefused, Host } from "../../sdk/host/index.ts";
import { filterModule } from "../../test/support/filter-module.ts";
import "../../sdk/vitest/index.ts";

let module: Uint8Array;
beforeAll(async () => {
  module = await filterModule("deadline");
});

type HostOptions = NonNullable<Parameters<typeof Host.load>[1]>;
type Headers = Readonly<Record<string, string>>;

const load = (config: Readonly<Record<string, unknown>> = {}, options: Partial<HostOptions> = {}) =>
  Host.load(module, { config, upstream: true, listener: { direction: "outbound" }, ...options });
const inbound = { listener: { direction: "inbound" } } as const;

const id = { "x-request-id": "0b1ce9a2-1c3f-4a7b-9d2e-0123456789ab" };
const traced = { traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" };
const elsewhere = { traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-01" };
const mutual = { connection: { tls: { uriSanPeer: "spiffe://mesh/ns/shop/sa/web" } } };

/** What the upstream was told, in which header. */
function told(
  host: Host,
  headers: Headers,
  options: Parameters<Host["fetch"]>[2] = {},
): Readonly<Record<string, unknown>> & { readonly status: number } {
  let seen: Record<string, string | undefined> = {};
  const reply = host.fetch(
    { headers },
    (attempt) => {
      const names = ["x-request-timeout-ms", "grpc-timeout", "x-envoy-expected-rq-timeout-ms"];
      seen = Object.fromEntries(names.map((name) => [name, attempt.headers.get(name)]));
      return { status: 200 };
    },
    { route: { timeoutMs: 0 }, ...options },
  );
  return { status: reply.status, ...seen };
}

const ms = (text: string) => ({ "x-request-timeout-ms": text });

describe("the configuration", () => {
  test.each`
    config                           | field
    ${{ default: "0s" }}             | ${"default"}
    ${{ default: "2h" }}             | ${"default"}
    ${{ max: "25h" }}                | ${"max"}
    ${{ minimum: "0ms" }}            | ${"minimum"}
    ${{ minimum: "10s", max: "1s" }} | ${"minimum"}
    ${{ header: "x timeout" }}       | ${"header"}
    ${{ absoluteHeader: "" }}        | ${"absoluteHeader"}
    ${{ skew: "1s" }}                | ${"skew"}
    ${{ correlate: "x-b3-traceid" }} | ${"correlate"}
    ${{ tick: "5ms" }}               | ${"tick"}
    ${{ timeout: "5s" }}             | ${"timeout"}
  `("$config is refused, naming $field", async ({ config, field }) => {
    await expect(load(config)).rejects.toThrow(ConfigRefused);
    await expect(load(config)).rejects.toThrow(new RegExp(`\\b${field} is `));
  });
});

describe("outbound", () => {
  test.each`
    sent                                      | timeoutMs | expected     | relative     | grpc
    ${{}}                                     | ${0}      | ${undefined} | ${undefined} | ${undefined}
    ${{}}                                     | ${800}    | ${"800"}     | ${"800"}     | ${undefined}
    ${ms("5000")}                             | ${0}      | ${"5000"}    | ${"5000"}    | ${undefined}
    ${ms("5000")}                             | ${800}    | ${"800"}     | ${"800"}     | ${undefined}
    ${ms("801")}                              | ${800}    | ${"800"}     | ${"800"}     | ${undefined}
    ${ms("500")}                              | ${800}    | ${"500"}     | ${"500"}     | ${undefined}
    ${{ "grpc-timeout": "5S" }}               | ${0}      | ${"5000"}    | ${undefined} | ${"5000000u"}
    ${{ "grpc-timeout": "5S", ...ms("70") }}  | ${0}      | ${"70"}      | ${"70"}      | ${"70000000n"}
    ${{ "content-type": "application/grpc" }} | ${800}    | ${"800"}     | ${undefined} | ${"800000u"}
    ${ms("junk")}                             | ${800}    | ${"800"}     | ${"800"}     | ${undefined}
    ${ms("junk")}                             | ${0}      | ${undefined} | ${undefined} | ${undefined}
    ${{ "grpc-timeout": "5000000000S" }}      | ${0}      | ${undefined} | ${undefined} | ${undefined}
  `("$sent on a route of $timeoutMs ms: the router has $expected", async (row) => {
    const host = await load();
    const route = { timeoutMs: row.timeoutMs, metadata: { "dev.sluice": { timeoutMs: row.timeoutMs } } };
    expect(told(host, row.sent, { route })).toEqual({
      status: 200,
      "x-envoy-expected-rq-timeout-ms": row.expected,
      "x-request-timeout-ms": row.relative,
      "grpc-timeout": row.grpc,
    });
  });

  test.each`
    sent                               | left
    ${ms("999999999999999")}           | ${{ "x-request-timeout-ms": "3600000" }}
    ${{ "grpc-timeout": "99999999H" }} | ${{ "grpc-timeout": "3600000m" }}
  `("no request may claim more than max: $sent is $left", async ({ sent, left }) => {
    expect(told(await load(), sent)).toMatchObject(left);
  });

  test("each attempt is told what is left when it starts, or in its own timeout", async () => {
    const host = await load();
    const seen: (string | undefined)[] = [];
    const route = { retryOn: "5xx", attempts: 3, timeoutMs: 0, perTryTimeoutMs: 600 };
    host.fetch(
      { headers: ms("1000") },
      ({ headers }) => {
        seen.push(headers.get("x-request-timeout-ms"));
        return { status: 503, after: "300ms" };
      },
      { route },
    );
    expect(seen.map(Number)).toEqual([600, 600, 362, 12]); // less 300 ms and the back-off, each time
  });
});

test.each`
  own          | marked
  ${undefined} | ${undefined}
  ${"true"}    | ${"true"}
`(
  "an attempt after which no time is left is the last; an upstream's own mark ($own) stays",
  async ({ own, marked }) => {
    const host = await load({ minimum: "50ms" });
    const headers = own ? { "x-envoy-ratelimited": own } : {};
    const route = { retryOn: "5xx", attempts: 3 };
    const reply = host.fetch({ headers: ms("300") }, () => ({ status: 503, headers, after: "260ms" }), { route });
    expect([reply.status, reply.attempts, reply.headers.get("x-envoy-ratelimited")]).toEqual([503, 1, marked]);
  },
);

describe("a request that is still open at its deadline", () => {
  test("is ended by the next tick, and ticks come only while there is one", async () => {
    const host = await load({ tick: "20ms" }, inbound);
    const ticks = () => host.hostcalls.count("proxy_set_tick_period_milliseconds");
    told(host, {});
    expect(ticks()).toBe(0);
    const streams = ["100", "1000"].map((left) => host.stream({ headers: ms(left) }));
    expect(ticks()).toBe(1);
    host.advance("119ms");
    expect(streams.map(({ isOver }) => isOver)).toEqual([true, false]);
    expect([streams[0]?.reply.status, streams[0]?.reply.headers.get("x-deadline")]).toEqual([504, "exceeded"]);
    streams[1]?.attempt()?.respond({ status: 200 });
    expect(ticks()).toBe(1);
    host.advance("1s");
    expect(ticks()).toBe(2);
    expect(host).toHaveMetric("deadline_exceeded_while_open_total", {}, 1);
  });

  test("is cut after response headers", async () => {
    const host = await load({}, inbound);
    const stream = host.stream({ headers: ms("100") });
    stream.attempt()?.respond({ status: 200, body: "first", endStream: false });
    host.advance("200ms");
    expect([stream.isOver, stream.reply.isCut]).toEqual([true, true]);
    expect(stream.reply.filterState.get("sluice.deadline")).toBe("exceeded");
  });

  test("many of them end in any order, and nothing is left", async () => {
    const host = await load({}, { ...inbound, workers: 2 });
    const streams = Array.from({ length: 200 }, (_, i) => {
      const left = String(100 + ((i * 7919) % 1000));
      return host.stream({ headers: ms(left) }, { worker: i % 2 });
    });
    for (const [i, stream] of streams.entries()) if (i % 3 === 0) stream.disconnect();
    host.advance("2s");
    expect(streams.every(({ isOver }) => isOver)).toBe(true);
    const ended = streams.filter((_, i) => i % 3 !== 0).length;
    expect(host).toHaveMetric("deadline_exceeded_while_open_total", {}, ended);
  });
});

describe("correlation", () => {
  /** A worker's listeners have shared data in common, so one host can stand for both: directions by property. */
  const direction = (value: bigint) => ({ properties: { "xds.listener_direction": value } });
  const arriving = direction(1n);
  const leaving = direction(2n);

  test.each`
    correlate         | first                                 | second                                | tightened
    ${"x-request-id"} | ${id}                                 | ${id}                                 | ${true}
    ${"x-request-id"} | ${traced}                             | ${traced}                             | ${false}
    ${"traceparent"}  | ${traced}                             | ${elsewhere}                          | ${true}
    ${"traceparent"}  | ${id}                                 | ${id}                                 | ${false}
    ${"off"}          | ${id}                                 | ${id}                                 | ${false}
    ${"x-request-id"} | ${id}                                 | ${{}}                                 | ${false}
    ${"x-request-id"} | ${{ "x-request-id": "a".repeat(65) }} | ${{ "x-request-id": "a".repeat(65) }} | ${false}
  `("by $correlate: $first, then $second: $tightened", async ({ correlate, first, second, tightened }) => {
    const host = await load({ correlate });
    host.stream({ headers: { ...ms("3000"), ...first } }, arriving);
    host.advance("500ms");
    const { "x-request-timeout-ms": left } = told(host, second, leaving);
    expect(left).toBe(tightened ? "2500" : undefined);
    expect(told(host, { ...second, ...ms("100") }, leaving)["x-request-timeout-ms"]).toBe("100");
  });

  test("lasts as long as the request, or for ever once its deadline passed, until the id comes again", async () => {
    const host = await load();
    const stream = host.stream({ headers: { ...ms("3000"), ...id } }, arriving);
    stream.attempt()?.respond({ status: 200 });
    expect(told(host, id, leaving)["x-request-timeout-ms"]).toBeUndefined();
    host.stream({ headers: { ...ms("100"), ...id } }, arriving);
    host.advance("1s");
    expect(told(host, id, leaving).status).toBe(504);
    host.stream({ headers: id }, arriving);
    expect(told(host, id, leaving)["x-request-timeout-ms"]).toBeUndefined();
  });

  test("does not grow with traffic", async () => {
    const host = await load();
    for (let i = 0; i < 9000; i++)
      host.fetch({ headers: { ...ms("3000"), "x-request-id": `r${i}` } }, undefined, arriving);
    expect(host.shared.keys().length).toBeLessThanOrEqual(4097);
  });
});

describe("the default", () => {
  const router = { node: { id: "router~10.0.0.9~gw~mesh" } };
  test.each`
    where                           | options    | request   | left
    ${"inbound without mutual TLS"} | ${inbound} | ${{}}     | ${"2000"}
    ${"inbound with mutual TLS"}    | ${inbound} | ${mutual} | ${undefined}
    ${"outbound of a sidecar"}      | ${{}}      | ${{}}     | ${undefined}
    ${"at a gateway"}               | ${router}  | ${mutual} | ${"2000"}
  `("$where is $left ms", async ({ options, request, left }) => {
    const host = await load({ default: "2s" }, options);
    expect(told(host, {}, request)["x-request-timeout-ms"]).toBe(left);
    expect(told(host, ms("100"), request)["x-request-timeout-ms"]).toBe("100");
  });
});

test("headers of any bytes do no harm", async () => {
  const host = await load({ absoluteHeader: "x-until" }, inbound);
  for (const value of [new Uint8Array([0xff, 0x31]), new Uint8Array(61_440).fill(0x31), "", "\u0661"]) {
    const names = ["x-request-timeout-ms", "grpc-timeout", "x-until", "x-request-id", "content-type"];
    const headers = Object.fromEntries(names.map((name) => [name, value]));
    expect(host.fetch({ headers }).status).toBe(200);
  }
  expect(host).toHaveMetric("deadline_malformed_total", {}, 12);
});

describe("the cost in host calls", () => {
  test.each`
    direction     | headers                     | calls
    ${"outbound"} | ${id}                       | ${7}
    ${"outbound"} | ${{ ...id, ...ms("5000") }} | ${16}
    ${"inbound"}  | ${id}                       | ${7}
    ${"inbound"}  | ${{ ...id, ...ms("5000") }} | ${17}
  `("$direction, $headers: $calls", async ({ direction, headers, calls }) => {
    const host = await load({}, { listener: { direction } });
    host.stream({ headers: ms("60000") }); // the tick runs
    host.hostcalls.reset();
    told(host, headers);
    expect(host.hostcalls.total).toBe(calls);
  });
  test("and in memory: what a request brings, what remains of ten thousand, what the module has", async () => {
    const host = await load();
    const request = () => told(host, { ...id, ...ms("5000") });
    request();
    expect(host.measure(request)).toStayWithin({ allocations: 6, allocatedBytes: 80, moduleBytes: 31 * 1024 });
    const many = host.measure(() => {
      for (let i = 0; i < 10_000; i++) request();
    });
    expect(many).toStayWithin({ memoryBytes: 65_536 });
  });
});
