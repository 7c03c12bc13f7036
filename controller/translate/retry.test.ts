import { expect, test } from "vitest";
import { inboundRetries, outboundRetries, retryOnText, retryPolicy } from "./retry.ts";

const usual = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";

test.each`
  attempts     | retryOn                              | endable  | retries | conditions                        | codes
  ${undefined} | ${undefined}                         | ${false} | ${2}    | ${usual}                          | ${[]}
  ${3}         | ${undefined}                         | ${false} | ${3}    | ${usual}                          | ${[]}
  ${3}         | ${["5xx"]}                           | ${false} | ${3}    | ${"5xx"}                          | ${[]}
  ${3}         | ${["503", "reset"]}                  | ${false} | ${3}    | ${"reset,retriable-status-codes"} | ${[503]}
  ${3}         | ${["retriable-status-codes", "418"]} | ${false} | ${3}    | ${"retriable-status-codes"}       | ${[418]}
  ${3}         | ${["5xx", "envoy-ratelimited"]}      | ${false} | ${3}    | ${"5xx,envoy-ratelimited"}        | ${[]}
  ${3}         | ${["5xx", "envoy-ratelimited"]}      | ${true}  | ${3}    | ${"5xx"}                          | ${[]}
  ${3}         | ${["envoy-ratelimited"]}             | ${true}  | ${0}    | ${undefined}                      | ${undefined}
  ${0}         | ${["5xx"]}                           | ${false} | ${0}    | ${undefined}                      | ${undefined}
`(
  "attempts $attempts on $retryOn, ended by a plugin $endable: $retries retries on $conditions $codes",
  ({ attempts, retryOn, endable, retries, conditions, codes }) => {
    const given = attempts === undefined ? undefined : { attempts, ...(retryOn ? { retryOn } : {}) };
    const made = outboundRetries(given, { endable });
    const policy = retryPolicy(made);
    expect(made.attempts).toBe(retries);
    expect([policy?.numRetries, policy?.retryOn, policy?.retriableStatusCodes]).toEqual(
      retries === 0 ? [undefined, undefined, undefined] : [retries, conditions, codes],
    );
  },
);

test("filters read conditions and status codes as one list", () => {
  const made = outboundRetries({ attempts: 1, retryOn: ["503", "reset"] }, { endable: false });
  expect(retryOnText(made)).toBe("reset,retriable-status-codes,503");
});

test("a retry goes to a host that was not tried, with the back-off and time limit of the VirtualService", () => {
  const made = outboundRetries({ attempts: 1, backoffMs: 250, perTryTimeoutMs: 1500 }, { endable: false });
  expect(retryPolicy(made)).toMatchObject({
    retryHostPredicate: [{ name: "envoy.retry_host_predicates.previous_hosts" }],
    hostSelectionRetryMaxAttempts: 5n,
    retryBackOff: { baseInterval: { seconds: 0n, nanos: 250_000_000 } },
    perTryTimeout: { seconds: 1n, nanos: 500_000_000 },
  });
});

test("inbound: what never reached the application is sent again, but not for gRPC", () => {
  expect(retryPolicy(inboundRetries({ isGrpc: false }))).toMatchObject({
    retryOn: "reset-before-request",
    numRetries: 2,
  });
  expect(retryPolicy(inboundRetries({ isGrpc: true }))).toBeUndefined();
});
