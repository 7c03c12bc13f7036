// HTTP calls of a filter: what it asks, what it hears, and when.
import { beforeAll, expect, test, vi } from "vitest";
import { sourceModule } from "../../test/support/filter-module.ts";
import { Host, type HostOptions, type HttpCall } from "../host/index.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // the compiler takes seconds where others compute

let module: Uint8Array;

beforeAll(async () => {
  module = await sourceModule("sdk/assembly/testing/calls.ts");
});

const load = (options: HostOptions = {}) => Host.load(module, options);
const asking = (path: string, headers: Record<string, string> = {}) => ({
  path,
  headers: { "x-cluster": "peer", "x-authority": "peer.test", ...headers },
});

test("a stream stops, and answers with what came back", async () => {
  const host = await load();
  const seen: HttpCall[] = [];
  host.onHttpCall("peer", (call) => {
    seen.push(call);
    return { status: 201, headers: { "x-many": ["a", "b"] }, body: "é", trailers: { "x-end": "1" }, after: "3ms" };
  });
  const reply = host.fetch(asking("/a", { "x-body": "wörld", "x-timeout": "50" }));
  expect(reply).toMatchObject({ status: 200, durationMs: 3 });
  expect(reply.body.split("\n")).toEqual([
    "201",
    ":status: 201",
    "x-many: a",
    "x-many: b",
    "trailer x-end: 1",
    "é",
    "asked for /a",
  ]);
  expect(seen).toMatchObject([{ cluster: "peer", body: "wörld", timeoutMs: 50, isOpen: false }]);
  expect(seen[0]?.headers.entries()).toEqual([
    [":method", "POST"],
    [":path", "/a"],
    [":authority", "peer.test"],
    [":scheme", "http"],
    ["x-asked-by", "a filter"],
    ["content-length", "6"],
    ["x-envoy-internal", "true"],
    ["x-envoy-expected-rq-timeout-ms", "50"],
  ]);
});

test("a stream stops, and continues with what came back", async () => {
  const host = await load();
  host.onHttpCall("peer", () => ({ status: 204 }));
  const seen: (string | undefined)[] = [];
  const reply = host.fetch(asking("/continue"), (attempt) => {
    seen.push(attempt.headers.get("x-answer"));
    return { status: 299 };
  });
  expect(reply.status).toBe(299);
  expect(seen).toEqual(["204"]);
});

test("no answer is an answer of Envoy's, or a failure", async () => {
  const host = await load();
  host.onHttpCall("peer", (call) => ({ fail: call.headers.get(":path")?.slice(1) as "timeout" }));
  const timeout = host.fetch(asking("/timeout", { "x-timeout": "70" }));
  expect(timeout.body).toMatch(/^504\n:status: 504\n.*\nupstream request timeout\nasked for/s);
  expect(timeout.durationMs).toBe(70);
  expect(host.fetch(asking("/refused")).body).toMatch(/^503\n.*reset reason: remote connection failure/s);
  expect(host.fetch(asking("/reset"))).toMatchObject({ status: 502, body: "broke off" });
  expect(() => host.fetch(asking("/timeout"))).toThrow("the call to peer has no timeout");
});

test("a cluster that Envoy does not know, or a request without authority, is refused at once", async () => {
  const host = await load();
  expect(host.fetch(asking("/a")).body).toBe("refused with 2");
  host.onHttpCall("peer");
  expect(host.fetch({ path: "/a", headers: { "x-cluster": "peer" } }).body).toBe("refused with 2");
  expect(host.httpCalls).toEqual([]);
});

test("calls are open until the test answers them, each for its own stream", async () => {
  const host = await load();
  host.onHttpCall("peer");
  const streams = [host.stream(asking("/1")), host.stream(asking("/2"))];
  expect(host.httpCalls.map(({ headers }) => headers.get(":path"))).toEqual(["/1", "/2"]);
  host.httpCalls[1]?.answer({ status: 200, body: "second" });
  expect(streams.map(({ isOver }) => isOver)).toEqual([false, true]);
  expect(streams[1]?.reply.body).toMatch("second\nasked for /2");
  host.httpCalls[0]?.answer({ status: 200, body: "first" });
  expect(streams[0]?.reply.body).toMatch("first\nasked for /1");
  expect(host.httpCalls).toEqual([]);
});

test("the handler of a stream that is over hears nothing; one that went on can't read its request", async () => {
  const host = await load();
  host.onHttpCall("peer");
  const gone = host.stream(asking("/gone"));
  gone.disconnect();
  const goesOn = host.stream(asking("/on", { "x-go-on": "1" }));
  const before = host.logs.length;
  for (const call of host.httpCalls) call.answer({ status: 200, body: "late" });
  expect(host.logs.slice(before).map(({ text }) => text)).toEqual([
    "200\n:status: 200\nlate\nasked for nothing that can be read",
  ]);
  expect(goesOn.serve(() => ({ status: 200 })).status).toBe(200);
});

test("a tick calls in the name of the plugin, in every thread; calls end with their plugin", async () => {
  const host = await load({ config: {} });
  const before = host.logs.length;
  host.onHttpCall("peer", () => ({ status: 200, body: "tock", after: "1ms" }));
  host.advance("101ms");
  const texts = host.logs.slice(before).map(({ thread, text }) => `${thread} ${text}`);
  expect(texts).toEqual(["main tick: 0", "0 tick: 0", "main tick: 200 tock", "0 tick: 200 tock"]);
  host.onHttpCall("peer");
  host.fetch(asking("/on", { "x-go-on": "1" }));
  const [call] = host.httpCalls;
  expect(call?.isOpen).toBe(true);
  await host.replace(module, { config: { other: 1 } });
  expect(call?.isOpen).toBe(false);
});

test("a plugin calls while it is configured", async () => {
  const host = await load({ config: {}, httpCalls: { peer: () => ({ status: 200, body: "early" }) } });
  host.advance("1ms");
  const texts = host.logs.map(({ thread, text }) => `${thread} ${text}`);
  expect(texts.slice(0, 3)).toEqual(["canary configure: 0", "main configure: 0", "0 configure: 0"]);
  expect(texts.slice(3)).toEqual(["main tick: 200 early", "0 tick: 200 early"]);
});

test("twenty thousand calls take no more memory than the first thousands", async () => {
  const host = await load();
  host.onHttpCall("peer", () => ({ status: 200, body: "answer" }));
  const call = () => host.fetch(asking("/a"));
  for (let i = 0; i < 5_000; i++) call();
  const pages = () => host.fetch({ path: "/pages" }).body;
  const before = pages();
  for (let i = 0; i < 20_000; i++) call();
  expect(pages()).toBe(before);
  expect(Number(before)).toBeLessThan(4);
});
