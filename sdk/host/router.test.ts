// What the router does with attempts, and what filters in both halves see of it. Orders and values as Envoy 1.40 has them.
import { beforeAll, describe, expect, test } from "vitest";
import type { UpstreamReset, UpstreamResponse } from "./request.ts";
import { compilePuppet } from "./testdata/compile.ts";
import { play } from "./testdata/play.ts";

let puppet: Uint8Array;
beforeAll(async () => {
  puppet = await compilePuppet();
}, 60_000);

/** A mark for every callback of both halves. */
const marks = ["R", "A", "L", "D", "X", "uR", "uA", "uD", "uX"].map((callback) => `${callback}: here`);
const order = (said: readonly string[]) => said.map((line) => line.split(" ")[0]).join(" ");
const failing = () => ({ status: 503, body: "broken" });

describe("order of callbacks", () => {
  const retrying = { route: { retryOn: "5xx", attempts: 1 } };
  test.each`
    case                                       | upstream                                   | stream                            | expected
    ${"a response with a body"}                | ${() => ({ status: 200, body: "x" })}      | ${{}}                             | ${"R uR uA A uD uX L D X"}
    ${"a response that ends with its headers"} | ${() => ({ status: 204 })}                 | ${{}}                             | ${"R uR uA uD uX A L D X"}
    ${"a retry"}                               | ${failing}                                 | ${retrying}                       | ${"R uR uA uD uX uR uA A uD uX L D X"}
    ${"resets"}                                | ${() => ({ reset: "connection-failure" })} | ${retrying}                       | ${"R uR uD uX uR uD uX A L D X"}
    ${"a timeout"}                             | ${() => ({ status: 200, after: "20s" })}   | ${{}}                             | ${"R uR uD uX A L D X"}
    ${"no route"}                              | ${failing}                                 | ${{ route: null }}                | ${"R A L D X"}
    ${"no healthy upstream"}                   | ${failing}                                 | ${{ cluster: { endpoints: [] } }} | ${"R A L D X"}
  `("$case: $expected", async ({ upstream, stream, expected }) => {
    const { said } = await play(puppet, marks, { upstream, stream });
    expect(order(said)).toBe(expected);
  });

  test("a local reply ends in the own response callback; one of the upstream half is neither retried nor shown to it", async () => {
    const script = [...marks, "uR: local 503 no+budget gone"];
    const { said, reply } = await play(puppet, script, { stream: { route: { retryOn: "5xx" } } });
    expect(order(said)).toBe("R uR uR uD uX A L D X");
    expect(reply).toMatchObject({ status: 503, body: "gone", details: "no_budget", attempts: 1 });
    const answered = await play(puppet, [...marks, "uA: local 418 x y"], {
      upstream: failing,
      stream: { route: { retryOn: "5xx" } },
    });
    expect(order(answered.said)).toBe("R uR uA uA uD uX A L D X");
    expect(answered.reply).toMatchObject({ status: 418, attempts: 1 });
  });

  test("a local reply in the response callback replaces the response past the filter", async () => {
    const { said, reply } = await play(puppet, [...marks, "A: local 418 x tea"], {
      upstream: () => ({ status: 200, body: "x" }),
    });
    expect(order(said)).toBe("R uR uA A A uD uX L D X");
    expect(reply).toMatchObject({ status: 418, body: "tea", details: "x" });
  });

  test("when the caller goes away the log comes before the attempt's end", async () => {
    const { host } = await play(puppet, marks);
    const before = host.logs.length;
    const stream = host.stream();
    stream.disconnect();
    expect(order(host.logs.slice(before).map(({ text }) => text))).toBe("R uR L D X uD uX");
    expect(stream.reply).toMatchObject({
      status: 0,
      isCut: true,
      flags: ["DC"],
      details: "downstream_remote_disconnect",
    });
  });
});

describe("retries", () => {
  test.each`
    retryOn                    | answer                                                         | attempts | flags
    ${"5xx"}                   | ${{ status: 503 }}                                             | ${3}     | ${["URX"]}
    ${"5xx"}                   | ${{ status: 404 }}                                             | ${1}     | ${[]}
    ${"gateway-error"}         | ${{ status: 500 }}                                             | ${1}     | ${[]}
    ${"gateway-error"}         | ${{ status: 502 }}                                             | ${3}     | ${["URX"]}
    ${"retriable-4xx"}         | ${{ status: 409 }}                                             | ${3}     | ${["URX"]}
    ${"reset"}                 | ${{ status: 503 }}                                             | ${1}     | ${[]}
    ${"reset"}                 | ${{ reset: "remote-reset" }}                                   | ${3}     | ${["UR", "URX"]}
    ${"connect-failure"}       | ${{ reset: "connection-failure" }}                             | ${3}     | ${["UF", "URX"]}
    ${"connect-failure"}       | ${{ reset: "connection-termination" }}                         | ${1}     | ${["UC"]}
    ${"unavailable"}           | ${{ status: 200, headers: { "grpc-status": "14" } }}           | ${3}     | ${["URX"]}
    ${"unavailable"}           | ${{ status: 200, headers: { "grpc-status": "4" } }}            | ${1}     | ${[]}
    ${"5xx"}                   | ${{ status: 503, headers: { "x-envoy-ratelimited": "true" } }} | ${1}     | ${[]}
    ${"5xx,envoy-ratelimited"} | ${{ status: 503, headers: { "x-envoy-ratelimited": "true" } }} | ${3}     | ${["URX"]}
    ${""}                      | ${{ status: 503 }}                                             | ${1}     | ${[]}
  `(
    "retry_on $retryOn, answer $answer: $attempts attempts, flags $flags",
    async ({ retryOn, answer, attempts, flags }) => {
      const { reply } = await play(puppet, [], { upstream: () => answer, stream: { route: { retryOn, attempts: 2 } } });
      expect(reply.attempts).toBe(attempts);
      expect(reply.flags).toEqual(flags);
    },
  );

  test("the upstream half ends them with the mark, and the caller gets the original response", async () => {
    const script = [
      "uA: replace 2 x-envoy-ratelimited true",
      "A: get 2 x-envoy-ratelimited; remove 2 x-envoy-ratelimited",
    ];
    const { reply, said } = await play(puppet, script, {
      upstream: failing,
      stream: { route: { retryOn: "5xx", attempts: 3 } },
    });
    expect(said[1]).toBe("A get 2 x-envoy-ratelimited -> 0 true");
    expect(reply).toMatchObject({ status: 503, body: "broken", attempts: 1, flags: [] });
    expect(reply.headers.has("x-envoy-ratelimited")).toBe(false);
  });

  test("a filter changes the policy by headers, which do not go on", async () => {
    const script = ["R: replace 0 x-envoy-retry-on 5xx; replace 0 x-envoy-max-retries 4"];
    const seen: (string | undefined)[] = [];
    const { reply } = await play(puppet, script, {
      upstream: (attempt) => {
        seen.push(attempt.headers.get("x-envoy-max-retries"));
        return { status: 500 };
      },
    });
    expect(reply.attempts).toBe(5);
    expect(seen).toEqual(Array(5).fill(undefined));
  });

  test("each attempt has its number, its endpoint and the time that is left", async () => {
    const seen: unknown[] = [];
    const endpoints = [{ address: "10.0.0.1:80" }, { address: "10.0.0.2:80" }];
    await play(puppet, [], {
      upstream: ({ number, headers, endpoint }) => {
        const [count, left] = [headers.get("x-envoy-attempt-count"), headers.get("x-envoy-expected-rq-timeout-ms")];
        seen.push([number, count, left, endpoint.address]);
        return { status: 503, after: "100ms" };
      },
      stream: { route: { retryOn: "5xx", attempts: 2, timeoutMs: 1000, attemptCount: true }, cluster: { endpoints } },
    });
    expect(seen).toEqual([
      [1, "1", "1000", "10.0.0.1:80"],
      [2, "2", "888", "10.0.0.2:80"],
      [3, "3", "763", "10.0.0.1:80"],
    ]);
  });

  test("what a client says about retries and timeouts is dropped", async () => {
    const request = { headers: { "x-envoy-retry-on": "5xx", "x-envoy-upstream-rq-timeout-ms": "1" } };
    const { reply } = await play(puppet, [], { request, upstream: () => ({ status: 500, after: "50ms" }) });
    expect(reply).toMatchObject({ status: 500, attempts: 1 });
  });
});

describe("timeouts", () => {
  const late: UpstreamResponse | UpstreamReset = { status: 200, after: "10s" };
  test.each`
    route                                                                     | script                                                | status | ms       | attempts | details
    ${{ timeoutMs: 300 }}                                                     | ${""}                                                 | ${504} | ${300}   | ${1}     | ${"response_timeout"}
    ${{ timeoutMs: 0 }}                                                       | ${""}                                                 | ${200} | ${10000} | ${1}     | ${"via_upstream"}
    ${{ timeoutMs: 1000 }}                                                    | ${"R: replace 0 x-envoy-upstream-rq-timeout-ms 250"}  | ${504} | ${250}   | ${1}     | ${"response_timeout"}
    ${{ timeoutMs: 1000 }}                                                    | ${"R: replace 0 x-envoy-upstream-rq-timeout-ms 2000"} | ${504} | ${2000}  | ${1}     | ${"response_timeout"}
    ${{ timeoutMs: 1000 }}                                                    | ${"R: replace 0 x-envoy-upstream-rq-timeout-ms junk"} | ${504} | ${1000}  | ${1}     | ${"response_timeout"}
    ${{ timeoutMs: 1000, perTryTimeoutMs: 200, retryOn: "5xx" }}              | ${""}                                                 | ${504} | ${412.5} | ${2}     | ${"upstream_per_try_timeout"}
    ${{ timeoutMs: 1000, perTryTimeoutMs: 300, retryOn: "5xx", attempts: 9 }} | ${""}                                                 | ${504} | ${1000}  | ${4}     | ${"response_timeout"}
  `(
    "$route $script: $status after $ms ms and $attempts attempts",
    async ({ route, script, status, ms, attempts, details }) => {
      const { reply } = await play(puppet, [script], { upstream: () => late, stream: { route } });
      expect(reply).toMatchObject({ status, durationMs: ms, attempts, details });
    },
  );

  test("gRPC gets 200 with grpc-status 14", async () => {
    const request = { headers: { "content-type": "application/grpc" } };
    const { reply } = await play(puppet, [], { request, upstream: () => late, stream: { route: { timeoutMs: 10 } } });
    expect(reply).toMatchObject({ status: 200, flags: ["UT"] });
    expect(reply.headers.get("grpc-status")).toBe("14");
    expect(reply.headers.get("grpc-message")).toBe("upstream request timeout");
  });

  test("the route's clock starts when the request is complete", async () => {
    const { host } = await play(puppet, []);
    const stream = host.stream({ endStream: false }, { route: { timeoutMs: 100 } });
    host.advance("10s");
    expect(stream.isOver).toBe(false);
    stream.sendBody("body", { endStream: true });
    host.advance("100ms");
    expect(stream.reply).toMatchObject({ status: 504, durationMs: 10_100 });
  });

  test("after response headers it can only cut the stream", async () => {
    const { host } = await play(puppet, ["uD: property response|code_details", "L: property response|code_details"]);
    const before = host.logs.length;
    const stream = host.stream({}, { route: { timeoutMs: 100 } });
    stream.attempt()?.respond({ status: 200, body: "half", endStream: false });
    host.advance("1s");
    expect(stream.reply).toMatchObject({
      status: 200,
      body: "half",
      isCut: true,
      flags: ["UT"],
      details: "response_timeout",
    });
    expect(host.logs.slice(before).map(({ text }) => text.replace(/.* -> /, ""))).toEqual([
      "0 via_upstream",
      "0 response_timeout",
    ]);
  });
});
