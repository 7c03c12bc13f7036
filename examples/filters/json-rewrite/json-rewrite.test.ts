import { beforeAll, expect, test } from "vitest";
import { Host } from "../../../sdk/host/index.ts";
import "../../../sdk/vitest/index.ts";
import { filterModule } from "../../../test/support/filter-module.ts";

let module: Uint8Array;
let host: Host;
beforeAll(async () => {
  module = await filterModule("json-rewrite");
  const config = { remove: ["card", "customer.email", "items.price"] };
  host = await Host.load(module, { config });
});

const json = (body: string, type = "application/json; charset=utf-8") =>
  host.fetch({ headers: { "accept-encoding": "gzip" } }, (attempt) => {
    expect(attempt.headers.get("accept-encoding")).toBeUndefined();
    return { status: 200, headers: { "content-type": type, "content-length": String(body.length) }, body };
  });

test.each([
  ['{ "id": 1.50, "card": "4111" }', '{"id":1.50}'],
  ['[{"card":1},{"card":2,"a":"é"}]', '[{},{"a":"é"}]'],
  ['{"customer":{"email":"a@b","name":"A"}}', '{"customer":{"name":"A"}}'],
  ['{"items":[{"price":1,"n":2},{"n":3}]}', '{"items":[{"n":2},{"n":3}]}'],
  ['{"customer":{"email":"a@b"},"card":1,"customer":{"n":1},"card":2}', '{"customer":{},"customer":{"n":1}}'],
  ['{"customer":null,"items":"none"}', '{"customer":null,"items":"none"}'],
])("%s becomes %s", (body, expected) => {
  const reply = json(body);
  expect(reply.body).toBe(expected);
  expect(reply.headers.get("content-length")).toBeUndefined();
});

test("what is no JSON passes as it is", () => {
  expect(json('{"card": ').body).toBe('{"card": ');
  const text = json('{"card":1}', "text/plain");
  expect([text.body, text.headers.get("content-length")]).toEqual(['{"card":1}', "10"]);
});

test.each([
  ["objects", JSON.stringify(Array.from({ length: 2_000 }, (_, i) => ({ id: i, name: `n${i}`, price: "282.00" })))],
  ["members", JSON.stringify(Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`name ${i}`, i])))],
  ["escapes", JSON.stringify("\n".repeat(100_000))],
])("%s by the thousands are rewritten in memory that a VM can have", async (_, body) => {
  const large = await Host.load(module, { config: { remove: ["card"] } });
  const reply = { status: 200, headers: { "content-type": "application/json" }, body };
  const usage = large.measure(() => expect(JSON.parse(large.fetch({}, () => reply).body)).toEqual(JSON.parse(body)));
  expect(usage).toStayWithin({ memoryBytes: 32 * 1024 * 1024 });
});

test("a body in chunks is rewritten as a whole, where trailers end it, too", () => {
  const stream = host.stream();
  const attempt = stream.attempt();
  attempt?.respond({ status: 200, headers: { "content-type": "application/json" }, endStream: false });
  attempt?.sendBody('{"card":');
  attempt?.sendBody("1}");
  expect(stream.reply.body).toBe("");
  attempt?.sendTrailers({ "x-end": "1" });
  expect(stream.reply.body).toBe("{}");
});
