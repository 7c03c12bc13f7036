// Bodies and trailers as a filter has them, driven from both ends.
import { beforeAll, expect, test, vi } from "vitest";
import { sourceModule } from "../../test/support/filter-module.ts";
import { Host } from "../host/index.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // the compiler takes seconds where others compute

let module: Uint8Array;

beforeAll(async () => {
  module = await sourceModule("sdk/assembly/testing/bodies.ts");
});

/** A request whose body the test sends. */
async function open(path: string) {
  const host = await Host.load(module);
  const stream = host.stream({ path, method: "POST", endStream: false });
  return { host, stream, said: () => host.logs.map(({ text }) => text) };
}

test("chunks pass one by one, and each callback sees its own", async () => {
  const { stream, said } = await open("/");
  const attempt = stream.attempt();
  stream.sendBody("abc");
  expect(attempt).toMatchObject({ body: "abc", isComplete: false });
  stream.sendBody("", { endStream: true });
  expect(attempt).toMatchObject({ body: "abc", isComplete: true });
  expect(said()).toEqual(["request 3 3 abc", "request 0 0  end"]);
});

test("a body that is buffered to its end goes on as a whole, its trailers behind it", async () => {
  const { stream, said } = await open("/whole");
  const attempt = stream.attempt();
  stream.sendBody("abc");
  stream.sendBody("def");
  expect([attempt?.body, stream.isHeld]).toEqual(["", true]);
  stream.sendTrailers({ "x-sum": "6" });
  expect(attempt).toMatchObject({ body: "abcdef", isComplete: true });
  expect(attempt?.trailers?.entries()).toEqual([["x-sum", "whole"]]);
  expect(said()).toEqual(["request 3 3 abc", "request 6 6 abcdef", "request trailers 6"]);
});

test("a tick changes what is held and lets it go on", async () => {
  const { host, stream, said } = await open("/tick");
  stream.sendBody("abc", { endStream: true });
  host.advance("10ms");
  expect(stream.attempt()).toMatchObject({ body: "abc released", isComplete: true });
  expect(said().at(-1)).toBe("tick abc");
});

test("bytes: drained, put before and behind, replaced, read in part", async () => {
  const { stream, said } = await open("/edit");
  stream.sendBody("abc", { endStream: true });
  expect(stream.attempt()?.body).toBe("é\ufffdc\ufffd!");
  expect(said().at(-1)).toBe("255,99,255 0");
});

test("a chunk that is taken out never reaches the upstream", async () => {
  const { stream } = await open("/drop");
  stream.sendBody("abc");
  expect(stream.attempt()?.body).toBe("");
  stream.sendTrailers({ "x-sum": "0" });
  expect(stream.attempt()).toMatchObject({ body: "", isComplete: true });
});

test("what an attempt had of the request, the next one has again; from a request that is not complete there is no other", async () => {
  const host = await Host.load(module);
  const route = { retryOn: "5xx", attempts: 2 };
  const seen: string[] = [];
  const request = { path: "/", method: "POST", body: "abc", trailers: { "x-sum": "3" } };
  host.fetch(
    request,
    (attempt) => {
      seen.push(`${attempt.body} ${attempt.trailers?.get("x-sum")}`);
      return { status: 503 };
    },
    { route },
  );
  expect(seen).toEqual(["abc 3", "abc 3", "abc 3"]);
  const open = host.stream({ path: "/", method: "POST", body: "abc", endStream: false }, { route });
  open.attempt()?.respond({ status: 503 });
  expect(open.reply).toMatchObject({ status: 503, attempts: 1 });
});

test("a local reply where the body comes", async () => {
  const { stream } = await open("/refuse");
  stream.sendBody("abc");
  expect(stream.reply).toMatchObject({ status: 403, body: "not abc" });
  expect(stream.attempt()).toBeUndefined();
});

test("trailers can be added where the body ends", async () => {
  const { stream, said } = await open("/trailers");
  stream.sendBody("abc", { endStream: true });
  expect(stream.attempt()?.trailers?.entries()).toEqual([["x-sum", "3"]]);
  expect(said().at(-1)).toBe("0");
});

test("a response's body is changed, its trailers too, and the log has them", async () => {
  const host = await Host.load(module);
  const upstream = () => ({ status: 200, headers: { "content-length": "3" }, body: "abc", trailers: { "x-sum": "6" } });
  const reply = host.fetch({ path: "/upper" }, upstream);
  expect(reply).toMatchObject({ status: 200, body: "ABC" });
  expect(reply.headers.get("content-length")).toBe("3");
  expect(reply.trailers?.entries()).toEqual([
    ["x-sum", "6"],
    ["x-seen", "/upper"],
  ]);
  expect(host.logs.at(-1)?.text).toBe("log 6 0");
});

test("more than may be buffered is refused", async () => {
  const host = await Host.load(module, { listener: { bufferLimitBytes: 4 } });
  const stream = host.stream({ path: "/whole", method: "POST", endStream: false });
  stream.sendBody("abcd");
  expect(stream.isOver).toBe(false);
  stream.sendBody("e");
  expect(stream.reply).toMatchObject({ status: 413, details: "request_payload_too_large" });
});
