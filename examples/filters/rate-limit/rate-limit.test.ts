import { beforeAll, expect, test } from "vitest";
import * as Status from "../../../sdk/abi/status.ts";
import { Host } from "../../../sdk/host/index.ts";
import { compilePuppet } from "../../../sdk/host/testdata/compile.ts";
import "../../../sdk/vitest/index.ts";
import { filterModule } from "../../../test/support/filter-module.ts";

let module: Uint8Array;
beforeAll(async () => {
  module = await filterModule("rate-limit");
});

const load = (config: Readonly<Record<string, unknown>>, workers = 1) => Host.load(module, { config, workers });
const fetches = (host: Host, count: number, headers = {}) =>
  Array.from({ length: count }, (_, i) => host.fetch({ headers }, undefined, { worker: i % 2 }).status);

test("a burst passes, then the steady rate, counted over all workers", async () => {
  const host = await load({ requests: 10, per: "1s", burst: 3 }, 2);
  expect(fetches(host, 4)).toEqual([200, 200, 200, 429]);
  host.advance("100ms");
  expect(fetches(host, 2)).toEqual([200, 429]);
  host.advance("1m");
  expect(fetches(host, 4)).toEqual([200, 200, 200, 429]);
  expect(host).toHaveMetric("rate_limit_refused_total", {}, 3);
});

test("who is refused is told when to come again", async () => {
  const host = await load({ requests: 1, per: "10s", burst: 1 });
  expect(host.fetch().status).toBe(200);
  host.advance("2500ms");
  const reply = host.fetch();
  expect(reply).toHaveLocalReply({ status: 429, details: "rate_limit" });
  expect(reply).toHaveHeader("retry-after", "8");
  host.advance("8s");
  expect(host.fetch().status).toBe(200);
});

test("each value of a header has a limit of its own", async () => {
  const host = await load({ burst: 1, by: "x-consumer" }, 2);
  expect(fetches(host, 2, { "x-consumer": "alice" })).toEqual([200, 429]);
  expect(fetches(host, 2, { "x-consumer": "bob" })).toEqual([200, 429]);
  expect(fetches(host, 2)).toEqual([200, 429]);
});

test("a worker that is overtaken between read and write counts again", async () => {
  const host = await load({ burst: 2 }, 2);
  host.fetch();
  host.shared.afterNextRead(() => host.fetch({}, undefined, { worker: 1 }));
  expect(host.fetch().status).toBe(429);
});

test("where others are faster for ever, it refuses", async () => {
  const host = await load({});
  host.faults.fail("proxy_set_shared_data", Status.CasMismatch);
  const reply = host.fetch();
  expect(reply).toHaveLocalReply({ status: 429, details: "rate_limit" });
  expect(reply).toHaveHeader("retry-after", "1");
});

test("what is no bucket, as another version may leave it, starts a new one", async () => {
  const host = await load({ burst: 1 });
  host.fetch();
  const key = host.shared.keys().find((name) => name.startsWith("rate-limit/"));
  await Host.load(await compilePuppet(), { config: `C: write ${key} xxxxxxxxx 0`, beside: host });
  expect(fetches(host, 1)).toEqual([200]);
});

test("a request costs a clock, a header, and a read and a write of shared data", async () => {
  const host = await load({ by: "x-consumer" });
  const send = () => host.fetch({ headers: { "x-consumer": "alice" } });
  send();
  expect(host.measure(send)).toStayWithin({ hostcalls: 4, memoryBytes: 65_536 });
});
