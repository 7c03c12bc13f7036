// A plugin among the access logs; test/envoy has the same on a real Envoy.
import { beforeAll, expect, test, vi } from "vitest";
import { sourceModule } from "../../test/support/filter-module.ts";
import { Host } from "../host/index.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // the compiler takes seconds where others compute

let host: Host;

beforeAll(async () => {
  host = await Host.load(await sourceModule("sdk/assembly/testing/access-log.ts"), { accessLogger: true });
});

test("a request that is over can be read, and not written", () => {
  host.fetch({ path: "/a" }, () => ({ status: 203, headers: { "x-r": "1" }, body: "abc", trailers: { "x-t": "2" } }));
  expect(host.logs.map(({ text }) => text)).toEqual([
    "path /a",
    "request :authority,:path,:method,:scheme,x-forwarded-proto,x-request-id,x-envoy-expected-rq-timeout-ms",
    "response 203 :status,x-r,x-envoy-upstream-service-time,date,server",
    "trailers x-t",
    "write 2",
    "code 203",
    "details via_upstream",
    "duration false",
    "bytes 3",
    "cluster cluster",
    "state null",
    "source true",
  ]);
});

test("a connection that is over has no headers", () => {
  const before = host.logs.length;
  const connection = host.connect();
  connection.client.send("a");
  connection.client.reset();
  const lines = host.logs.slice(before).map(({ text }) => text);
  expect(lines.slice(0, 4)).toEqual(["path null", "request ", "response null ", "trailers "]);
});

test("what it makes of a request is not kept", () => {
  const path = `/${"x".repeat(20_000)}`;
  host.fetch({ path });
  const { memoryBytes } = host.measure(() => host.fetch({ path }));
  for (let n = 0; n < 100; n++) host.fetch({ path });
  expect(host.measure(() => host.fetch({ path })).memoryBytes).toBeLessThan(2 * memoryBytes);
});
