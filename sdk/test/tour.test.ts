// Each part of what a filter imports, seen from outside: a module that tries them runs in the host.
import { beforeAll, expect, test, vi } from "vitest";
import { sourceModule } from "../../test/support/filter-module.ts";
import * as Status from "../abi/status.ts";
import { Host, type HostOptions } from "../host/index.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // the compiler takes seconds where others compute

let module: Uint8Array;

beforeAll(async () => {
  module = await sourceModule("sdk/assembly/testing/tour.ts");
});

const load = (options: HostOptions = {}) => Host.load(module, { upstream: true, ...options });

test("headers: missing is not empty, bytes stay bytes, set replaces and add adds", async () => {
  const host = await load();
  const headers = { "x-empty": "", "x-many": ["a", "b"], "x-raw": Uint8Array.of(0x61, 0xff, 0x62) };
  expect(host.fetch({ path: "/headers", headers }).body.split("\n")).toEqual([
    'null "" true',
    "one|two",
    "97,255,98",
    "a\ufffdb",
    "97,255,98",
    "0 0",
    "0",
    "1",
    "2",
  ]);
});

test("a snapshot of headers: one call of the host, then as many reads as one likes of that moment", async () => {
  const host = await load();
  const headers = { "x-empty": "", "x-many": ["a", "b"], "x-raw": Uint8Array.of(0x61, 0xff, 0x62) };
  host.hostcalls.reset();
  expect(host.fetch({ path: "/snapshot", headers }).body.split("\n")).toEqual([
    "null",
    '""',
    "a|b",
    "97,255,98",
    "true false",
    "false false",
    "true",
    "0 false",
    "true 0",
  ]);
  expect(host.hostcalls.count("proxy_get_header_map_pairs")).toBe(2);
});

test("properties: by type, by path with brackets, or the default", async () => {
  const host = await load({
    listener: { direction: "inbound" },
    node: { metadata: { LABELS: { app: "shop", tier: "" } } },
  });
  const metadata = { "dev.sluice": { retryOn: "5xx", attempts: 3 } };
  expect(host.fetch({ path: "/properties" }, undefined, { route: { metadata } }).body.split("\n")).toEqual([
    "5xx",
    "3",
    "false",
    "true",
    "1",
    "7",
    "8",
    "null",
    "71,69,84",
    "app:shop,tier:",
  ]);
});

test("shared data: all workers see it, and a stale cas is refused", async () => {
  const host = await load({ workers: 2 });
  expect(host.fetch({ path: "/shared" }, undefined, { worker: 0 }).body).toBe("null 0 1 true");
  expect(host.fetch({ path: "/shared" }, undefined, { worker: 1 }).body).toBe("1 0 2 true");
});

test("metrics: defined at first use, with labels that no value can forge", async () => {
  const host = await load();
  expect(host.metrics.names).toEqual([]);
  expect(host.fetch({ path: "/metrics" }).body).toBe("5 7 2");
  host.hostcalls.reset();
  host.fetch({ path: "/metrics" });
  expect(host.hostcalls.count("proxy_define_metric")).toBe(0);
  expect(host.metrics.counter("to=.=a_b;.;code=.=200;.;calls")).toBe(4);
  expect(host.metrics.counter("to=.=c;.;code=.=503;.;calls")).toBe(2);
  expect(host.metrics.histogram("sizes")).toEqual([512, 512]);
});

test("clocks: one to measure by and one to tell others", async () => {
  const host = await load({ now: "2026-02-03T00:00:00Z" });
  const times = () => host.fetch({ path: "/clock" }).body.split(" ").map(BigInt);
  const [monotonic = 0n, realtime] = times();
  expect(realtime).toBe(BigInt(Date.UTC(2026, 1, 3)) * 1_000_000n);
  host.advance("2s");
  expect(times()[0]).toBe(monotonic + 2_000_000_000n);
});

test("log: what the level lets through, which is asked for once in a callback; no other text is put together", async () => {
  const host = await load({ logLevel: "info" });
  const before = host.logs.length;
  host.hostcalls.reset();
  expect(host.fetch({ path: "/log" }).body).toBe("false true");
  expect(host.logs.slice(before).map(({ level, text }) => `${level} ${text}`)).toEqual([
    "info info",
    "warn warn: é",
    "error error",
    "critical critical",
    "info 0",
  ]);
  expect(host.hostcalls.count("proxy_get_log_level")).toBe(1);
});

test("the environment, and the VM's configuration", async () => {
  const host = await load({ vmConfig: "of the VM", environment: { OTHER: "x", NAME: "a=é", EMPTY: "" } });
  expect(host.fetch({ path: "/environment" }).body.split("\n")).toEqual([
    "9 of the VM",
    '"a=é"',
    "null",
    '""',
    "null",
    "null",
  ]);
  for (const hostcall of ["environ_get", "environ_sizes_get"]) {
    const fault = host.faults.fail(hostcall, 21);
    expect(host.fetch({ path: "/environment" }).body).toBe("9 of the VM\nnull\nnull\nnull\nnull\nnull");
    fault.end();
  }
  host.faults.fail("proxy_get_buffer_bytes", Status.InternalFailure);
  expect(host.fetch({ path: "/environment" }).body).toMatch(/^0 \n"a=é"\n/);
  const bare = await load();
  expect(bare.fetch({ path: "/environment" }).body.split("\n")).toEqual(["0 ", "null", "null", "null", "null", "null"]);
});

test("a local reply has its status, headers, body and reason", async () => {
  const host = await load({ config: "raw, no JSON: é" });
  const reply = host.fetch({ path: "/other" });
  expect(reply).toMatchObject({ status: 418, body: "raw, no JSON: é", details: "the_tour" });
  expect(reply.headers.getAll("x-part")).toEqual(["/other", "é"]);
});

test("a request passes both halves, which share filter state; in onLog headers can only be read", async () => {
  const host = await load();
  const before = host.logs.length;
  host.hostcalls.reset();
  const seen: (string | undefined)[] = [];
  const reply = host.fetch(
    { path: "/through" },
    (attempt) => {
      seen.push(attempt.headers.get("x-attempt"));
      return { status: seen.length < 2 ? 503 : 200 };
    },
    { route: { retryOn: "5xx", attempts: 1 } },
  );
  expect(seen).toEqual(["1", "2"]);
  expect(reply.headers.get("x-saw")).toBe("gone attempt 2");
  expect(reply.headers.has("x-late")).toBe(false);
  expect(host.hostcalls.count("proxy_replace_header_map_value")).toBe(3); // x-attempt twice, x-saw; Envoy must not see x-late
  expect(host.logs.slice(before).map(({ text }) => text)).toEqual(["log: /through 2", "done", "deleted"]);
});

test.each([
  ["answer", { status: 504, isCut: false }],
  ["reset", { status: 0, isCut: true }],
  ["continue", { status: 200, isCut: false }],
])("a tick can %s the requests that are held, each in its own context", async (how, outcome) => {
  const host = await load();
  const streams = [host.stream({ path: `/held/${how}` }), host.stream({ path: `/held/${how}` })];
  expect(streams.map(({ isHeld }) => isHeld)).toEqual([true, true]);
  host.advance("100ms");
  for (const stream of streams) {
    if (!stream.isOver) stream.serve(() => ({ status: 200 }));
    expect(stream.reply).toMatchObject(outcome);
  }
});
