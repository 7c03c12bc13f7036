import { beforeAll, expect, test } from "vitest";
import { Host } from "../../../sdk/host/index.ts";
import "../../../sdk/vitest/index.ts";
import { filterModule } from "../../../test/support/filter-module.ts";

let host: Host;
beforeAll(async () => {
  host = await Host.load(await filterModule("redact-numbers"), { config: { digits: 6 } });
});

const cases = [
  ["card 4111111111111111, 3 items", "card 411111**********, 3 items"],
  ["4111-1111 1111-1111.", "4111-11** ****-****."],
  ["2026-11-30", "2026-11-**"],
  ["123456, 123456  7", "123456, 123456  7"],
  ["no number é", "no number é"],
] as const;

test.each(cases)("%j becomes %j", (body, expected) => {
  const headers = { "content-length": String(Buffer.byteLength(body)) };
  const reply = host.fetch({}, () => ({ status: 200, headers, body }));
  expect([reply.body, reply.headers.get("content-length")]).toEqual([expected, headers["content-length"]]);
});

test.each(cases)("%j in chunks of a byte becomes %j, each chunk at once", (body, expected) => {
  const stream = host.stream();
  const attempt = stream.attempt();
  attempt?.respond({ status: 200, endStream: false });
  for (const byte of Buffer.from(body)) attempt?.sendBody(new Uint8Array([byte]));
  expect(stream.reply.body).toBe(expected);
  attempt?.sendTrailers({ "x-end": "1" });
  expect(stream.isOver).toBe(true);
});

test("3 MB take the memory of a chunk", () => {
  const stream = host.stream();
  const attempt = stream.attempt();
  attempt?.respond({ status: 200, endStream: false });
  const usage = host.measure(() => {
    for (let i = 0; i < 200; i++) attempt?.sendBody("4111 1111 1111 1111 ".repeat(800));
  });
  expect(usage).toStayWithin({ memoryBytes: 256 * 1024 });
});
