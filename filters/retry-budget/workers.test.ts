import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as Status from "../../sdk/abi/status.ts";
import type { Host } from "../../sdk/host/index.ts";
import { changedFilter } from "../../test/support/changed-filter.ts";
import { cluster, failing, load, module, retried, scope, told } from "./test-support/fixture.ts";
import { exact, generous, type Past, type Rule } from "./test-support/model.ts";
import "../../sdk/vitest/index.ts";

describe("workers and versions", () => {
  test("workers have one budget together", async () => {
    const host = await load({ minRetries: 0, percent: 50 }, { workers: 3 });
    for (let i = 0; i < 99; i++) host.fetch({}, failing, { ...retried(), worker: i % 3 });
    expect(host).toHaveMetric("retry_budget_retries_total", scope, 49);
  });

  test("what another worker writes between a read and a write is not lost", async () => {
    const host = await load({ minRetries: 0, percent: 16 }, { workers: 2 });
    const ok = () => ({ status: 200 });
    for (const worker of [0, 1]) host.fetch({}, ok, { ...retried(), worker }); // they have found the budget
    for (let i = 0; i < 5; i++) {
      host.shared.afterNextRead(() => host.fetch({}, ok, { ...retried(), worker: 1 }));
      host.fetch({}, ok, { ...retried(), worker: 0 });
    }
    expect(host.fetch({}, failing, retried()).attempts).toBe(3); // 16 % of 13 calls are 2; of 12 calls, 1
    expect(host).toHaveMetric("retry_budget_conflicts_total", {}, 5);
  });

  test("what was counted outlives a change of the configuration", async () => {
    const vmId = "shop/budget";
    const host = await load({ minRetries: 3, percent: 0 }, { vmId });
    host.fetch({}, failing, retried());
    await host.replace(module, {
      config: { minRetries: 4, percent: 0 },
      upstream: true,
      vmId,
    });
    expect(host.fetch({}, failing, retried()).attempts).toBe(2);
    expect(host.logs.filter(({ text }) => text.includes("start empty"))).toHaveLength(1);
  });

  test("a version with another layout starts empty and says so once; the old one finds what it had", async () => {
    const change = { file: "window.ts", from: "LAYOUT = 2", to: "LAYOUT = 3" };
    const next = new Uint8Array(await readFile(await changedFilter("retry-budget", change)));
    const config = { minRetries: 3, percent: 0 };
    const vmId = "shop/budget";
    const host = await load(config, { vmId, workers: 3 });
    const attempts = () => [0, 1, 2].map((worker) => host.fetch({}, failing, { ...retried(), worker }).attempts);
    const said = () => host.logs.flatMap(({ text }) => /no budgets of layout \d.*/.exec(text) ?? []);
    expect(attempts()).toEqual([4, 1, 1]);
    expect(said()).toEqual(["no budgets of layout 2 yet: all start empty"]);
    await host.replace(next, { config, upstream: true, vmId });
    expect(attempts()).toEqual([4, 1, 1]);
    await host.replace(module, { config, upstream: true, vmId });
    expect(attempts()).toEqual([1, 1, 1]);
    expect(said()).toHaveLength(2);
    expect(said()[1]).toBe("no budgets of layout 3 yet: all start empty");
  }, 60_000); // it is compiled here

  test("metrics outlive a change of the module, also where nobody asks meanwhile", async () => {
    const vmId = "shop/budget";
    const host = await load({ minRetries: 3, percent: 0 }, { vmId });
    host.fetch({}, failing, retried());
    const before = host.metrics.names.map((name) => [name, host.metrics.counter(name) ?? host.metrics.gauge(name)]);
    const otherVm = { environment: { VERSION: "2" } };
    for (let swap = 0; swap < 2; swap++) {
      await host.replace(module, {
        config: { minRetries: swap },
        upstream: true,
        vmId,
        ...(swap ? {} : otherVm),
      });
      const after = host.metrics.names.map((name) => [name, host.metrics.counter(name) ?? host.metrics.gauge(name)]);
      expect(after).toEqual(before);
    }
    expect(before).toContainEqual([`scope=.=${cluster.name};.;retry_budget_retries_total`, 3]);
  });

  test("a changed length of the window keeps what was counted", async () => {
    const vmId = "shop/budget";
    const host = await load({ minRetries: 3, percent: 0, window: "1m" }, { vmId });
    host.fetch({}, failing, retried());
    host.advance("10ms");
    const changeTo = async (window: string) =>
      host.replace(module, {
        ...{ config: { minRetries: 3, percent: 0, window }, upstream: true, vmId },
      });
    await changeTo("10m");
    expect(host.fetch({}, failing, retried()).attempts).toBe(1);
    await changeTo("1s"); // a bucket of 30 s may reach to now
    expect(host.fetch({}, failing, retried()).attempts).toBe(1);
    host.advance("2s");
    expect(host.fetch({}, failing, retried()).attempts).toBe(4);
  });

  test.each([Status.CasMismatch, Status.InternalFailure])(
    "where shared data can't be written, by status %i, requests pass, and retries are denied",
    async (status) => {
      const host = await load();
      host.faults.fail("proxy_set_shared_data", status);
      const reply = host.fetch({}, failing, retried());
      expect([reply.status, reply.attempts]).toEqual([503, 1]);
      expect(reply).toHaveHeader("x-retry-budget", "exhausted");
      expect(host).toHaveMetric("retry_budget_calls_total", scope, 1);
      expect(host).toHaveMetric("retry_budget_denied_total", scope, 1);
    },
  );

  test("a value for which the module has no memory is not overwritten", async () => {
    const host = await load({ minRetries: 1, percent: 0 });
    host.fetch({}, failing, retried());
    const key = host.shared.keys().find((name) => /\/\d+$/.test(name)) ?? "";
    const before = host.shared.get(key);
    host.faults.fail("proxy_get_shared_data", Status.InvalidMemoryAccess);
    expect(host.fetch({}, failing, retried()).attempts).toBe(1);
    expect(host.shared.get(key)).toEqual(before);
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

describe("scopes whose names point to the same slot", () => {
  /** FNV-1a, of which the lowest eight bits are the slot. */
  const slotOf = (name: string) =>
    [...name].reduce((hash, char) => Math.imul(hash ^ char.charCodeAt(0), 0x01000193), 0x811c9dc5) & 0xff;
  const all = Array.from({ length: 2000 }, (_, i) => `cluster-${i}`);
  const names = all.filter((name) => slotOf(name) === 7).slice(0, 3);
  const attempts = (host: Host, name: string, worker = 0) =>
    host.fetch({}, failing, { ...retried({ cluster: { ...cluster, name } }), worker }).attempts;

  test("have budgets of their own, which all workers find, in whatever order they ask", async () => {
    const host = await load({ minRetries: 3, percent: 0 }, { workers: 3 });
    expect(names.map((name) => attempts(host, name))).toEqual([4, 4, 4]);
    for (const name of names.toReversed()) expect(attempts(host, name, 1)).toBe(1);
    expect(attempts(host, names[1] ?? "", 2)).toBe(1);
    expect(host).not.toHaveMetric("retry_budget_collisions_total");
  });

  test("have them also where another worker is faster to take the slot", async () => {
    const host = await load({ minRetries: 3, percent: 0 }, { workers: 2 });
    const [one = "", other = "", third = ""] = names;
    host.shared.afterNextRead(() => {
      expect(attempts(host, other, 1)).toBe(4);
      expect(attempts(host, third, 1)).toBe(4);
    });
    expect(attempts(host, one)).toBe(4);
    for (const name of names) expect([attempts(host, name), attempts(host, name, 1)]).toEqual([1, 1]);
    expect(host).not.toHaveMetric("retry_budget_collisions_total");
  });
});

describe("a reservation", () => {
  /** A request whose retry is reserved, and that waits for the router to try again. */
  const reserve = (host: Host) => {
    const stream = host.stream({}, retried());
    stream.attempt()?.respond({ status: 503 });
    return stream;
  };
  const attempts = (host: Host) => host.fetch({}, failing, retried()).attempts;

  test("is given back, also where another worker writes meanwhile", async () => {
    const host = await load({ minRetries: 1, percent: 0 }, { workers: 2 });
    const stream = reserve(host);
    host.shared.afterNextRead(() => host.fetch({}, undefined, { ...retried(), worker: 1 }));
    stream.disconnect();
    expect(host).toHaveMetric("retry_budget_calls_total", scope, 2);
    expect([attempts(host), attempts(host)]).toEqual([2, 1]);
  });

  /** A reservation that its request keeps, since the route, other than it says, does not retry. */
  const keep = (host: Host) => {
    const stream = host.stream({}, retried({ route: { metadata: { "dev.sluice": told } } }));
    stream.attempt()?.respond({ status: 503, endStream: false });
    return stream;
  };

  test("whose budget can't be read is not given back", async () => {
    const host = await load({ minRetries: 1, percent: 0 });
    const stream = reserve(host);
    host.faults.fail("proxy_get_shared_data", Status.InternalFailure, { times: 1 });
    stream.disconnect();
    expect(attempts(host)).toBe(1);
  });

  test("whose bucket has left the window is not given back", async () => {
    const host = await load({ minRetries: 1, percent: 0 });
    const stream = keep(host);
    host.advance("11s");
    expect(attempts(host)).toBe(2);
    stream.disconnect();
    expect(attempts(host)).toBe(1);
  });

  test.each`
    windows           | after
    ${["1m"]}         | ${2}
    ${["10m", "10s"]} | ${1}
  `("is given back, so that there are $after attempts, after the window has become $windows long", async (row) => {
    const { windows, after }: { windows: string[]; after: number } = row;
    const config = { minRetries: 1, percent: 0 };
    const host = await load(config, { vmId: "shop/budget" });
    const stream = keep(host);
    for (const window of windows) {
      host.advance("1s");
      await host.replace(module, { config: { ...config, window }, upstream: true, vmId: "shop/budget" });
      expect(attempts(host)).toBe(1);
    }
    stream.disconnect();
    expect(attempts(host)).toBe(after); // a bucket of 30 s reached to now, so the retry was moved on
  });
});

test("of four workers whose reads and writes interleave, none admits more than the rule, nor much less", async () => {
  const worker = fc.nat(3);
  const steps = fc.array(
    fc.record({
      pauseMs: fc.oneof({ weight: 4, arbitrary: fc.nat(100) }, fc.nat(4000)),
      worker,
      failures: fc.nat(4),
      /** What other workers do after the request's first, second, ... reads of a budget: a call, which may fail. */
      meanwhile: fc.array(fc.record({ worker, fails: fc.boolean() }), { maxLength: 6 }),
    }),
    { minLength: 1, maxLength: 40, size: "max" },
  );
  const rules = fc.record({ percent: fc.integer({ min: 0, max: 80 }), minRetries: fc.nat(4) });
  const seen = { admitted: 0, denied: 0, interleaved: 0 };
  const trace = fc.asyncProperty(rules, steps, async (config, all) => {
    const host = await load(config, { workers: 4 });
    const rule: Rule = { windowNs: 10_000_000_000n, ...config };
    const past: Past = { calls: [], retries: [] };
    const check = (isAdmitted: boolean, now: bigint) => {
      expect(isAdmitted ? exact(past, now, rule) : !generous(past, now, rule)).toBe(true);
      seen[isAdmitted ? "admitted" : "denied"] += 1;
    };
    /** Its caller leaves, so a retry that was reserved is given back, and no time passes. */
    const interleave = ({ worker, fails }: { readonly worker: number; readonly fails: boolean }) => {
      past.calls.push(host.nowNs);
      const stream = host.stream({}, { ...retried(), worker });
      stream.attempt()?.respond({ status: fails ? 503 : 200 });
      if (fails) check(!stream.isOver, host.nowNs);
      if (!stream.isOver) stream.disconnect();
      seen.interleaved += 1;
    };
    for (const { pauseMs, worker, failures, meanwhile } of all) {
      host.advance(`${pauseMs}ms`);
      let next = 0;
      const plan = () =>
        host.shared.afterNextRead(() => {
          const other = meanwhile[next++];
          if (other === undefined) return;
          interleave(other);
          plan();
        });
      plan();
      let decidedNs = host.nowNs;
      const answer = ({ number }: { readonly number: number }) => {
        if (number === 1) past.calls.push(decidedNs);
        else {
          check(true, decidedNs);
          past.retries.push(decidedNs);
        }
        decidedNs = host.nowNs;
        return { status: number <= failures ? 503 : 200 };
      };
      const reply = host.fetch({}, answer, { ...retried(), worker });
      if (reply.headers.get("x-retry-budget") === "exhausted") check(false, decidedNs);
      host.shared.afterNextRead(() => {});
    }
    expect(host).toHaveMetric("retry_budget_calls_total", scope, past.calls.length);
  });
  await fc.assert(trace, { seed: 20261130, numRuns: 10 });
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(100); // of all there was enough to see
});
