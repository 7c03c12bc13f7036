import fc from "fast-check";
import { expect, test } from "vitest";
import {
  arriving,
  atGateway,
  counted,
  id,
  leaving,
  load,
  ms,
  routeOf,
  type Told,
  told,
} from "./test-support/deadline.ts";
import { longest, naiveGrpc, naiveGrpcText, naiveMillis } from "./test-support/naive.ts";

// Any request, with any claims, on any route, caused by another or not: what comes of it is what a naive model says.

interface Case {
  readonly minimumMs: number;
  /** By how much `max` is more. */
  readonly moreMs: number;
  /** As a share of what `max` is more. */
  readonly default: number | undefined;
  readonly skewMs: number;
  readonly relative: readonly string[];
  readonly grpc: string | undefined;
  /** From now, or as it is. */
  readonly absolute: number | string | undefined;
  readonly isGrpc: boolean;
  readonly isInbound: boolean;
  readonly isMutual: boolean;
  readonly isGateway: boolean;
  readonly routeMs: number;
  /** The route's own in the place of the default. */
  readonly routeDefaultMs: number | undefined;
  /** How much more than the minimum the request that caused it was given, and how long ago. */
  readonly cause: { readonly moreMs: number; readonly agoMs: number } | undefined;
}

const anyMs = fc.oneof(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 0, max: 50_000_000 }));
const junk = fc.constantFrom("", "5s", "-1", "1e3", " 7", "soon", "1234567890123456", "123456789m", "m", "٣");
const mostly = <T>(good: fc.Arbitrary<T>) => fc.oneof({ weight: 4, arbitrary: good }, { weight: 1, arbitrary: junk });
const timeout = fc.tuple(fc.nat(99_999_999), fc.constantFrom("n", "u", "m", "S", "M", "H"));
const maybe = <T>(some: fc.Arbitrary<T>) => fc.option(some, { nil: undefined, freq: 2 });

const anyCase: fc.Arbitrary<Case> = fc.record({
  minimumMs: fc.integer({ min: 1, max: 200 }),
  moreMs: anyMs,
  default: maybe(fc.double({ min: 0, max: 1, noNaN: true })),
  skewMs: fc.nat(500),
  relative: fc.array(mostly(anyMs.map(String)), { maxLength: 2 }),
  grpc: maybe(mostly(timeout.map(([n, unit]) => `${n}${unit}`))),
  absolute: maybe(mostly(fc.integer({ min: -1000, max: 5000 }))),
  isGrpc: fc.boolean(),
  isInbound: fc.boolean(),
  isMutual: fc.boolean(),
  isGateway: fc.boolean(),
  routeMs: fc.oneof(fc.constant(0), anyMs),
  routeDefaultMs: maybe(anyMs),
  cause: maybe(fc.record({ moreMs: anyMs, agoMs: fc.nat(600) })),
});

const maxMs = ({ minimumMs, moreMs }: Case) => minimumMs + moreMs;
const defaultMs = (one: Case) =>
  one.default === undefined ? undefined : one.minimumMs + Math.floor(one.default * one.moreMs);
const ns = (milliseconds: number) => BigInt(milliseconds) * 1_000_000n;
const least = (...times: readonly bigint[]) => times.reduce((a, b) => (b < a ? b : a));

/** What goes on, and how many headers are malformed. */
function model(one: Case, absolute: string | undefined, nowNs: bigint): Told & { readonly malformed: number } {
  const moment = absolute === undefined ? undefined : naiveMillis(absolute);
  const until = moment === undefined ? undefined : moment - nowNs + ns(one.skewMs);
  const first = one.relative[0];
  const relative = first === undefined ? undefined : naiveMillis(first);
  const grpc = one.grpc === undefined ? undefined : naiveGrpc(one.grpc);
  const malformed = [relative, grpc, moment].filter((time) => time === -1n).length;
  const claims = [relative, grpc].filter((time) => time !== undefined && time >= 0n) as bigint[];
  if (until !== undefined && moment !== -1n) claims.push(until < 0n ? 0n : until);
  if (!one.isInbound && !one.isGateway && one.cause) {
    const left = least(ns(one.minimumMs + one.cause.moreMs), ns(maxMs(one))) - ns(one.cause.agoMs);
    claims.push(left < 0n ? 0n : left);
  }
  const given = one.isGateway ? (one.routeDefaultMs ?? defaultMs(one)) : defaultMs(one);
  const isEntering = one.isGateway || (one.isInbound && !one.isMutual);
  if (claims.length === 0 && given && isEntering) claims.push(ns(given));
  const left = claims.length === 0 ? undefined : least(...claims, ns(maxMs(one)), longest);
  const nothing = { relative: undefined, grpc: undefined, expected: undefined, malformed };
  if (left !== undefined && left < ns(one.minimumMs)) return { status: 504, ...nothing };
  const times = [one.routeMs, ...(left === undefined || one.isInbound ? [] : [Number(left / 1_000_000n)])];
  const expected = Math.min(...times.filter((time) => time > 0));
  const ofRouter = Number.isFinite(expected) ? [ns(expected)] : [];
  const all = [...(left === undefined ? [] : [left]), ...ofRouter];
  const inGrpc = grpc !== undefined && grpc >= 0n;
  const inRelative = relative !== undefined && relative >= 0n;
  const isTold = all.length > 0;
  return {
    status: 200,
    relative: isTold && (inRelative || (!inGrpc && !one.isGrpc)) ? String(least(...all) / 1_000_000n) : undefined,
    grpc: isTold && (inGrpc || (!inRelative && one.isGrpc)) ? naiveGrpcText(least(...all)) : undefined,
    expected: ofRouter.length > 0 ? String(expected) : undefined,
    malformed,
  };
}

async function run(one: Case): Promise<void> {
  const given = defaultMs(one);
  const host = await load(
    {
      ...{ minimum: `${one.minimumMs}ms`, max: `${maxMs(one)}ms`, absoluteHeader: "x-until", skew: `${one.skewMs}ms` },
      ...(given ? { default: `${given}ms` } : {}),
    },
    one.isGateway ? atGateway : {},
  );
  if (one.cause) {
    host.stream({ headers: { ...id, ...ms(String(one.minimumMs + one.cause.moreMs)) } }, arriving);
    host.advance(`${one.cause.agoMs}ms`);
  }
  const { absolute } = one;
  const moment = typeof absolute === "number" ? String(host.nowNs / 1_000_000n + BigInt(absolute)) : absolute;
  const headers = {
    ...id,
    ...(one.isGrpc ? { "content-type": "application/grpc" } : {}),
    "x-request-timeout-ms": one.relative,
    ...(one.grpc === undefined ? {} : { "grpc-timeout": one.grpc }),
    ...(moment === undefined ? {} : { "x-until": moment }),
  };
  const ofRoute = one.routeDefaultMs === undefined ? {} : { defaultMs: one.routeDefaultMs };
  const route = { ...routeOf({ timeoutMs: one.routeMs, ...ofRoute }), timeoutMs: one.routeMs };
  const connection = one.isMutual ? { tls: { uriSanPeer: "spiffe://mesh/ns/shop/sa/web" } } : {};
  const found = told(host, headers, { route, connection, ...(one.isInbound ? arriving : leaving) });
  const { status, malformed, ...expected } = model(one, moment, host.nowNs);
  // To gRPC it is 200 and a status of its own
  expect({ ...found, malformed: counted(host, "malformed") }).toEqual({
    ...{ status: one.isGrpc ? 200 : status, malformed },
    ...expected,
  });
  expect(counted(host, "exceeded_on_arrival")).toBe(status === 504 ? 1 : 0);
}

test("any request is what a naive model makes of it", async () => {
  await fc.assert(fc.asyncProperty(anyCase, run), { seed: 15, numRuns: 400 });
});
