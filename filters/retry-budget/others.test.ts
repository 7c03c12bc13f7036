import { beforeAll, expect, test } from "vitest";
import { type Assembly, loadAssembly } from "../../test/support/assembly.ts";

// Where this budget agrees with Finagle's and Linkerd's, and where not. Theirs are models made of what their sources do:
//
// Finagle  twitter/finagle, service/RetryBudget.scala and RetryFilter.scala; twitter/util, TokenBucket.scala:
//          each request puts 1000 tokens into a bucket that forgets in 10 slices of ttl, each retry takes
//          1000 / percentCanRetry of them, and minRetriesPerSec * ttl retries lie in it for ever.
// Linkerd  linkerd/linkerd2-proxy, app/outbound/src/http/retry.rs, with tower-rs/tower, retry/budget/tps_budget.rs:
//          the same with 1 token and 1 / retryRatio of them in whole numbers, but put in by what is not retried, when it
//          ends: by successes, not by failures; the bucket forgets in 10 slices behind the one that is filled.
//          (These are the budgets of ServiceProfiles; Linkerd's retries by annotation have a limit and no budget.)

interface Settings {
  readonly percent: number;
  readonly minPerSecond: number;
}

interface Budget {
  call(nowNs: bigint): void;
  success(nowNs: bigint): void;
  tryRetry(nowNs: bigint): boolean;
}

const second = 1_000_000_000n;
const windowSeconds = 10;

interface Tokens {
  /** What puts them in. */
  readonly depositedBy: "call" | "success";
  readonly deposit: number;
  readonly cost: number;
  /** Slices of a second that the bucket remembers, with the one that is filled. */
  readonly slices: bigint;
}

function tokenBudget({ depositedBy, deposit, cost, slices }: Tokens, { minPerSecond }: Settings): Budget {
  const changes: { readonly slice: bigint; readonly tokens: number }[] = [];
  const put = (by: Tokens["depositedBy"]) => (nowNs: bigint) => {
    if (by === depositedBy) changes.push({ slice: nowNs / second, tokens: deposit });
  };
  return {
    call: put("call"),
    success: put("success"),
    tryRetry(nowNs) {
      const now = nowNs / second;
      const known = changes.filter(({ slice }) => now - slice < slices);
      const balance = known.reduce((sum, { tokens }) => sum + tokens, minPerSecond * windowSeconds * cost);
      if (balance < cost) return false;
      changes.push({ slice: now, tokens: -cost });
      return true;
    },
  };
}

const finagle = (settings: Settings): Budget => {
  const share = settings.percent / 100;
  const [deposit, cost] = share === 0 ? [0, 1] : [1000, Math.trunc(1000 / share)];
  return tokenBudget({ depositedBy: "call", deposit, cost, slices: 10n }, settings);
};

const linkerd = (settings: Settings): Budget => {
  const share = settings.percent / 100;
  const [deposit, cost] =
    share === 0 ? [0, 1] : share <= 1 ? [1, Math.trunc(1 / share)] : [1000, Math.trunc(1000 / share)];
  return tokenBudget({ depositedBy: "success", deposit, cost, slices: 11n }, settings);
};

let wasm: Assembly<{
  advance(at: number, nowNs: bigint, windowNs: bigint): void;
  countCall(at: number): void;
  tryAdmit(at: number, percent: number, minRetries: number): number;
}>;
beforeAll(async () => {
  wasm = await loadAssembly("filters/retry-budget/assembly/window.ts");
});

const ours = ({ percent, minPerSecond }: Settings): Budget => {
  const at = wasm.__pin(wasm.__new(192, 1));
  new Uint8Array(wasm.memory.buffer, at, 192).fill(0);
  const advance = (nowNs: bigint) => wasm.advance(at, nowNs, BigInt(windowSeconds) * second);
  return {
    call(nowNs) {
      advance(nowNs);
      wasm.countCall(at);
    },
    success() {},
    tryRetry(nowNs) {
      advance(nowNs);
      return wasm.tryAdmit(at, percent, minPerSecond * windowSeconds) === 1;
    },
  };
};

interface Row extends Settings {
  /** Calls that succeed, then a pause, then calls whose first attempt fails and whose retry succeeds. */
  readonly succeed: number;
  readonly pauseMs: number;
  readonly fail: number;
}

function admitted(budget: Budget, { succeed, pauseMs, fail }: Row): number {
  let nowNs = 1000n * second;
  for (let i = 0; i < succeed; i++) {
    budget.call(nowNs);
    budget.success(nowNs);
  }
  nowNs += BigInt(pauseMs) * 1_000_000n;
  let retries = 0;
  for (let i = 0; i < fail; i++) {
    budget.call(nowNs);
    if (!budget.tryRetry(nowNs)) continue;
    retries += 1;
    budget.success(nowNs);
  }
  return retries;
}

test.each`
  what                                    | succeed | pauseMs   | fail    | percent | minPerSecond | expected
  ${"the share of all calls"}             | ${100}  | ${0}      | ${50}   | ${20}   | ${0}         | ${[30, 30, 24]}
  ${"an outage, with no success before"}  | ${0}    | ${0}      | ${100}  | ${20}   | ${0}         | ${[20, 20, 0]}
  ${"an outage, successes forgotten"}     | ${100}  | ${11_000} | ${100}  | ${20}   | ${0}         | ${[20, 20, 0]}
  ${"just within the window"}             | ${100}  | ${9900}   | ${20}   | ${20}   | ${0}         | ${[20, 20, 20]}
  ${"just after the window"}              | ${100}  | ${10_900} | ${20}   | ${20}   | ${0}         | ${[4, 4, 20]}
  ${"few calls, and the minimum"}         | ${0}    | ${0}      | ${300}  | ${20}   | ${10}        | ${[100, 160, 124]}
  ${"many calls: the greater or the sum"} | ${900}  | ${0}      | ${600}  | ${20}   | ${10}        | ${[300, 400, 349]}
  ${"the minimum alone"}                  | ${100}  | ${0}      | ${100}  | ${0}    | ${1}         | ${[10, 10, 10]}
  ${"nothing"}                            | ${100}  | ${0}      | ${100}  | ${0}    | ${0}         | ${[0, 0, 0]}
  ${"a share that is no whole part"}      | ${500}  | ${0}      | ${500}  | ${30}   | ${0}         | ${[300, 300, 249]}
  ${"a share of more than a half"}        | ${0}    | ${0}      | ${1000} | ${70}   | ${0}         | ${[700, 700, 0]}
  ${"more retries than calls"}            | ${100}  | ${0}      | ${100}  | ${150}  | ${0}         | ${[100, 100, 100]}
`("$what: here, in Finagle and in Linkerd $expected retries", (row: Row & { expected: readonly number[] }) => {
  expect([ours, finagle, linkerd].map((budget) => admitted(budget(row), row))).toEqual(row.expected);
});
