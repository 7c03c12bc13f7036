import { describe, expect, test } from "vitest";
import { ConfigRefused } from "../../sdk/host/index.ts";
import { atGateway, counted, id, inbound, load, ms, routeOf, told } from "./test-support/deadline.ts";

// Where the time left comes from, and in which form it goes on.

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

  test.each`
    config                                      | problem
    ${{ default: "5ms", minimum: "1s" }}        | ${'default is "5ms": it must be from minimum to max'}
    ${{ header: "x-a", absoluteHeader: "x-a" }} | ${'absoluteHeader is "x-a": it must not be header'}
    ${{ header: "grpc-timeout" }}               | ${'header is "grpc-timeout": it has another meaning; take a name of your own'}
    ${{ header: "X-Request-Id" }}               | ${'header is "X-Request-Id": it has another meaning; take a name of your own'}
    ${{ header: "host" }}                       | ${'header is "host": it has another meaning; take a name of your own'}
    ${{ absoluteHeader: "x-request-id" }}       | ${'absoluteHeader is "x-request-id": it has another meaning; take a name of your own'}
    ${{ absoluteHeader: "traceparent" }}        | ${'absoluteHeader is "traceparent": it has another meaning; take a name of your own'}
  `("$config would answer or spoil every request: $problem", async ({ config, problem }) => {
    await expect(load(config)).rejects.toThrow(problem);
  });

  test("default may be as little as minimum, and as much as max", async () => {
    for (const config of [{ minimum: "1s" }, { max: "1s" }]) {
      const host = await load({ default: "1s", ...config }, inbound);
      expect(told(host, {})).toMatchObject({ status: 200, relative: "1000" });
    }
  });
});

const grpc = (text: string) => ({ "grpc-timeout": text });
const grpcType = { "content-type": "application/grpc+proto" };

describe.each(["inbound", "outbound"] as const)("%s", (direction) => {
  const options = { listener: { direction } };
  test.each`
    sent                                 | relative     | grpc
    ${{}}                                | ${undefined} | ${undefined}
    ${ms("5000")}                        | ${"5000"}    | ${undefined}
    ${ms("5")}                           | ${"5"}       | ${undefined}
    ${{ ...ms("5000"), ...grpcType }}    | ${"5000"}    | ${undefined}
    ${grpc("2000000n")}                  | ${undefined} | ${"2000000n"}
    ${grpc("250m")}                      | ${undefined} | ${"250000u"}
    ${grpc("5S")}                        | ${undefined} | ${"5000000u"}
    ${grpc("2M")}                        | ${undefined} | ${"120000m"}
    ${grpc("1H")}                        | ${undefined} | ${"3600000m"}
    ${{ ...grpc("5S"), ...ms("70") }}    | ${"70"}      | ${"70000000n"}
    ${{ ...grpc("70m"), ...ms("5000") }} | ${"70"}      | ${"70000000n"}
    ${{ ...grpc("5x"), ...ms("70") }}    | ${"70"}      | ${undefined}
    ${{ ...grpc("70m"), ...ms("5s") }}   | ${undefined} | ${"70000000n"}
    ${ms("999999999999999")}             | ${"3600000"} | ${undefined}
    ${grpc("99999999H")}                 | ${undefined} | ${"3600000m"}
  `("$sent goes on as $relative and $grpc", async ({ sent, relative, grpc }) => {
    expect(told(await load({}, options), sent)).toMatchObject({ status: 200, relative, grpc });
  });

  test.each`
    sent            | config                 | status
    ${ms("0")}      | ${{}}                  | ${504}
    ${ms("1")}      | ${{}}                  | ${200}
    ${grpc("0n")}   | ${{}}                  | ${504}
    ${grpc("999u")} | ${{}}                  | ${504}
    ${grpc("1m")}   | ${{}}                  | ${200}
    ${ms("19")}     | ${{ minimum: "20ms" }} | ${504}
    ${ms("20")}     | ${{ minimum: "20ms" }} | ${200}
  `("$sent with $config: $status", async ({ sent, config, status }) => {
    const host = await load(config, options);
    expect(told(host, sent).status).toBe(status);
    expect(counted(host, "exceeded_on_arrival")).toBe(status === 504 ? 1 : 0);
  });

  test.each`
    minimumMs    | sent    | status
    ${undefined} | ${"9"}  | ${504}
    ${50}        | ${"49"} | ${504}
    ${50}        | ${"50"} | ${200}
    ${2}         | ${"2"}  | ${200}
    ${2}         | ${"1"}  | ${504}
    ${0}         | ${"9"}  | ${504}
  `("a route's own minimum of $minimumMs ms counts instead of 10 ms: $sent is $status", async (row) => {
    const host = await load({ minimum: "10ms" }, options);
    const route = routeOf(row.minimumMs === undefined ? {} : { minimumMs: row.minimumMs });
    expect(told(host, ms(row.sent), { route }).status).toBe(row.status);
  });

  test("the header has the name that it is given, and another says nothing", async () => {
    const host = await load({ header: "x-left" }, options);
    expect(told(host, ms("4000"))).toMatchObject({ relative: "4000" });
    const stream = host.stream({ headers: { "x-left": "3000", ...ms("2") } });
    host.advance("1s");
    expect([stream.request.get("x-left"), stream.isOver]).toEqual(["3000", false]);
    host.advance("2s");
    expect(stream.reply.status).toBe(504);
  });
});

describe("an answer to what has passed", () => {
  test("is 504 with a mark, and the upstream sees nothing", async () => {
    const host = await load();
    const { status, body, headers, details, attempts, filterState } = host.fetch({ headers: ms("0") });
    expect([status, body, headers.get("x-deadline")]).toEqual([504, "deadline exceeded", "exceeded"]);
    expect([details, attempts, filterState.get("sluice.deadline")]).toEqual(["deadline_exceeded", 0, "exceeded"]);
  });

  test("is DEADLINE_EXCEEDED to gRPC", async () => {
    const { status, headers } = (await load()).fetch({ method: "POST", headers: { ...grpc("0m"), ...grpcType } });
    expect([status, headers.get("grpc-status"), headers.get("x-deadline")]).toEqual([200, "4", "exceeded"]);
  });
});

describe("an absolute header, where clocks agree but for the skew", () => {
  test.each`
    fromNowMs | skew       | sent          | status | relative
    ${5000}   | ${"0ms"}   | ${{}}         | ${200} | ${"5000"}
    ${5000}   | ${"100ms"} | ${{}}         | ${200} | ${"5100"}
    ${-50}    | ${"100ms"} | ${{}}         | ${200} | ${"50"}
    ${-100}   | ${"100ms"} | ${{}}         | ${504} | ${undefined}
    ${-60000} | ${"100ms"} | ${{}}         | ${504} | ${undefined}
    ${5000}   | ${"100ms"} | ${ms("70")}   | ${200} | ${"70"}
    ${70}     | ${"0ms"}   | ${ms("5000")} | ${200} | ${"70"}
    ${9e6}    | ${"0ms"}   | ${{}}         | ${200} | ${"3600000"}
  `("a moment in $fromNowMs ms, skew $skew, beside $sent: $status, told $relative", async (row) => {
    const host = await load({ absoluteHeader: "x-until", skew: row.skew });
    const moment = Number(host.nowNs / 1_000_000n) + row.fromNowMs;
    const headers = { "x-until": String(moment), ...row.sent };
    expect(told(host, headers)).toMatchObject({ status: row.status, relative: row.relative });
  });

  test("a clock that is behind by more than the skew costs calls, one that is ahead only time", async () => {
    const host = await load({ absoluteHeader: "x-until", skew: "1s" });
    const senderAt = (offMs: number) => ({ "x-until": String(Number(host.nowNs / 1_000_000n) + offMs + 200) });
    expect(told(host, senderAt(-1200)).status).toBe(504);
    expect(told(host, senderAt(-1000)).relative).toBe("200");
    expect(told(host, senderAt(0)).relative).toBe("1200");
    expect(told(host, senderAt(1000)).relative).toBe("2200");
  });

  test("is not read where it isn't named, and needn't be there", async () => {
    expect(told(await load(), { "x-until": "1" }).relative).toBeUndefined();
    expect(told(await load({ absoluteHeader: "x-until" }), ms("70")).relative).toBe("70");
  });
});

describe("the default", () => {
  const nobody = { node: { id: "" } };
  const mutual = { connection: { tls: { uriSanPeer: "spiffe://mesh/ns/shop/sa/web" } } };
  test.each`
    where                           | options      | request   | relative
    ${"inbound without mutual TLS"} | ${inbound}   | ${{}}     | ${"2000"}
    ${"inbound with mutual TLS"}    | ${inbound}   | ${mutual} | ${undefined}
    ${"outbound of a sidecar"}      | ${{}}        | ${{}}     | ${undefined}
    ${"at a gateway"}               | ${atGateway} | ${mutual} | ${"2000"}
    ${"at a proxy without an id"}   | ${nobody}    | ${{}}     | ${undefined}
  `("$where is $relative ms", async ({ options, request, relative }) => {
    const host = await load({ default: "2s" }, options);
    expect(told(host, {}, request).relative).toBe(relative);
    expect(told(host, ms("100"), request).relative).toBe("100");
    expect(told(host, ms("9000"), request).relative).toBe("9000");
  });

  test.each`
    defaultMs    | relative
    ${undefined} | ${"2000"}
    ${0}         | ${undefined}
    ${1}         | ${"1"}
    ${9e6}       | ${"3600000"}
  `("of a route's own is $defaultMs: $relative", async ({ defaultMs, relative }) => {
    const route = routeOf(defaultMs === undefined ? {} : { defaultMs });
    expect(told(await load({ default: "2s" }, atGateway), {}, { route }).relative).toBe(relative);
    expect(
      told(await load({ default: "2s" }, atGateway), ms("100"), { route: routeOf({ defaultMs: 0 }) }).relative,
    ).toBe("100");
    const alone = defaultMs === undefined ? undefined : relative;
    expect(told(await load({}, atGateway), {}, { route }).relative).toBe(alone);
    expect(told(await load({ default: "2s" }), {}, { route }).relative).toBeUndefined();
  });

  test("a malformed header is none", async () => {
    expect(told(await load({ default: "2s" }, inbound), ms("soon")).relative).toBe("2000");
  });

  test("goes on to gRPC in its own header", async () => {
    expect(told(await load({ default: "2s" }, inbound), grpcType)).toMatchObject({
      grpc: "2000000u",
      relative: undefined,
    });
  });
});

describe("what is malformed is ignored, counted and not passed on", () => {
  test.each(["", " 5", "5 ", "-1", "+1", "1.5", "1e3", "0x10", "٣", "1000000000000000", "12a"])(
    "%j as milliseconds",
    async (text) => {
      const host = await load({ absoluteHeader: "x-until" }, inbound);
      const stream = host.stream({ headers: { ...id, ...ms(text), "x-until": text } }, { route: routeOf({}) });
      expect([stream.request.has("x-request-timeout-ms"), stream.request.has("x-until")]).toEqual([false, false]);
      expect(counted(host, "malformed")).toBe(2);
    },
  );

  test.each(["", "m", "5", "5s", "5h", "123456789m", "-5m", "5 m", "5m ", "1.5S", "5000000000S"])(
    "%j as grpc-timeout",
    async (text) => {
      const host = await load({}, inbound);
      const stream = host.stream({ headers: { ...id, "grpc-timeout": text } }, { route: routeOf({}) });
      expect(stream.request.has("grpc-timeout")).toBe(false);
      expect(counted(host, "malformed")).toBe(1);
    },
  );
});

test("of several values the first counts, and the others do not go on", async () => {
  const host = await load({}, inbound);
  const stream = host.stream({ headers: { "x-request-timeout-ms": ["5000", "100"] } });
  expect(stream.attempt()?.headers.getAll("x-request-timeout-ms")).toEqual(["5000"]);
});

test("headers of any bytes do no harm", async () => {
  const host = await load({ absoluteHeader: "x-until" }, inbound);
  for (const value of [new Uint8Array([0xff, 0x31]), new Uint8Array(61_440).fill(0x31), "", "٣"]) {
    const names = ["x-request-timeout-ms", "grpc-timeout", "x-until", "x-request-id", "content-type"];
    const headers = Object.fromEntries(names.map((name) => [name, value]));
    expect(host.fetch({ headers }).status).toBe(200);
  }
  expect(counted(host, "malformed")).toBe(12);
});
