import { describe, expect, test } from "vitest";
import { counted, load, ms, routeOf, told } from "./test-support/deadline.ts";

// What the router and each attempt are given.

describe("the router's timeout becomes the time left where that is less", () => {
  test.each`
    sent                                      | timeoutMs | expected     | relative     | grpc
    ${{}}                                     | ${0}      | ${undefined} | ${undefined} | ${undefined}
    ${{}}                                     | ${800}    | ${"800"}     | ${"800"}     | ${undefined}
    ${ms("5000")}                             | ${0}      | ${"5000"}    | ${"5000"}    | ${undefined}
    ${ms("5000")}                             | ${800}    | ${"800"}     | ${"800"}     | ${undefined}
    ${ms("801")}                              | ${800}    | ${"800"}     | ${"800"}     | ${undefined}
    ${ms("800")}                              | ${800}    | ${"800"}     | ${"800"}     | ${undefined}
    ${ms("500")}                              | ${800}    | ${"500"}     | ${"500"}     | ${undefined}
    ${{ "grpc-timeout": "5S" }}               | ${0}      | ${"5000"}    | ${undefined} | ${"5000000u"}
    ${{ "grpc-timeout": "5S", ...ms("70") }}  | ${0}      | ${"70"}      | ${"70"}      | ${"70000000n"}
    ${{ "grpc-timeout": "70100u" }}           | ${800}    | ${"70"}      | ${undefined} | ${"70000000n"}
    ${{ "content-type": "application/grpc" }} | ${800}    | ${"800"}     | ${undefined} | ${"800000u"}
    ${ms("junk")}                             | ${800}    | ${"800"}     | ${"800"}     | ${undefined}
    ${ms("junk")}                             | ${0}      | ${undefined} | ${undefined} | ${undefined}
  `("$sent on a route of $timeoutMs ms: the router has $expected", async ({ sent, timeoutMs, ...others }) => {
    const route = { ...routeOf({ timeoutMs }), timeoutMs };
    expect(told(await load(), sent, { route })).toEqual({ status: 200, ...others });
  });
});

const retries = { retryOn: "5xx,unavailable", attempts: 3 };

test("each attempt is told what is left when it starts, or in its own timeout", async () => {
  const host = await load();
  const seen: (string | undefined)[] = [];
  host.fetch(
    { headers: ms("1000") },
    ({ headers }) => {
      seen.push(headers.get("x-request-timeout-ms"));
      return { status: 503, after: "300ms" };
    },
    { route: { ...retries, timeoutMs: 0, perTryTimeoutMs: 600 } },
  );
  expect(seen.map(Number)).toEqual([600, 600, 362, 12]); // less 300 ms and the back-off, each time
});

describe("an attempt after which no time is left", () => {
  test.each`
    answer                                                     | attempts | mark         | outcome
    ${{ status: 503 }}                                         | ${1}     | ${undefined} | ${"last attempt"}
    ${{ status: 503, headers: { "x-envoy-ratelimited": "" } }} | ${1}     | ${""}        | ${undefined}
    ${{ status: 200, headers: { "grpc-status": "14" } }}       | ${1}     | ${undefined} | ${"last attempt"}
    ${{ status: 200, headers: { "grpc-status": "0" } }}        | ${1}     | ${undefined} | ${undefined}
    ${{ status: 200 }}                                         | ${1}     | ${undefined} | ${undefined}
  `("is the last, with its own response: $answer", async ({ answer, ...expected }) => {
    const host = await load({ minimum: "50ms" });
    const upstream = () => ({ ...answer, after: "260ms" });
    const reply = host.fetch({ headers: ms("300") }, upstream, { route: retries });
    const mark = reply.headers.get("x-envoy-ratelimited");
    const outcome = reply.filterState.get("sluice.deadline");
    expect({ attempts: reply.attempts, mark, outcome }).toEqual(expected);
    expect(reply.status).toBe(answer.status);
  });

  test("by a minimum of the route's own", async () => {
    const host = await load();
    const route = { ...retries, ...routeOf({ minimumMs: 100, timeoutMs: 0 }) };
    const attempts = (after: `${number}ms`) =>
      host.fetch({ headers: ms("300") }, () => ({ status: 503, after }), { route }).attempts;
    expect([attempts("201ms"), attempts("60ms")]).toEqual([1, 3]);
  });
});

test("an attempt that comes too late by its back-off is answered, not made", async () => {
  const host = await load({ minimum: "50ms" });
  let made = 0;
  const reply = host.fetch(
    { headers: ms("300") },
    () => {
      made += 1;
      return { reset: "remote-reset", after: "245ms" }; // 55 ms are left, and the back-off takes 12
    },
    { route: retries },
  );
  expect([reply.status, reply.headers.get("x-deadline"), made]).toEqual([504, "exceeded", 1]);
  expect([reply.details, reply.filterState.get("sluice.deadline")]).toEqual(["deadline_exceeded", "exceeded"]);
  expect(reply.headers.has("x-envoy-ratelimited")).toBe(false);
  expect(counted(host, "exceeded_before_attempt")).toBe(1);
});

describe("an end by the router's timeout", () => {
  const grpc = { "content-type": "application/grpc" };
  test.each`
    sent                          | route                                                 | status | grpcStatus   | mark
    ${ms("200")}                  | ${routeOf({})}                                        | ${504} | ${undefined} | ${"exceeded"}
    ${{ ...ms("200"), ...grpc }}  | ${routeOf({})}                                        | ${200} | ${"4"}       | ${"exceeded"}
    ${ms("9000")}                 | ${{ ...routeOf({ timeoutMs: 200 }), timeoutMs: 200 }} | ${504} | ${undefined} | ${undefined}
    ${{ ...ms("9000"), ...grpc }} | ${{ ...routeOf({ timeoutMs: 200 }), timeoutMs: 200 }} | ${200} | ${"4"}       | ${undefined}
    ${{ ...ms("9000"), ...grpc }} | ${{ ...routeOf({}), perTryTimeoutMs: 200 }}           | ${200} | ${"4"}       | ${undefined}
    ${grpc}                       | ${{ ...routeOf({}), timeoutMs: 200 }}                 | ${200} | ${"14"}      | ${undefined}
  `("$sent on $route: $status $grpcStatus, mark $mark", async ({ sent, route, status, grpcStatus, mark }) => {
    const host = await load({ tick: "1s" });
    const stream = host.stream({ headers: sent }, { route });
    expect(stream.attempt()).toBeDefined();
    host.advance("250ms");
    const { headers, ...reply } = stream.reply;
    expect([reply.status, headers.get("grpc-status"), headers.get("x-deadline")]).toEqual([status, grpcStatus, mark]);
    expect(counted(host, "exceeded_while_open")).toBe(mark ? 1 : 0);
  });
});
