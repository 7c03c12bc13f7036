import { expect, test } from "vitest";
import { firstItems } from "../catalog/items.ts";
import { serve } from "../test-support.ts";
import { webapp } from "./app.ts";
import type { Call, Reply } from "./client.ts";

const catalog = new URL("http://catalog.istioinaction:80");
const forum = new URL("http://forum.istioinaction:80");
const glasses = '{"id":1,"color":"amber","department":"Eyewear","name":"Elinor Glasses","price":"282.00"}';
const users = '[{"name":"Ann","username":"ann"}]';

/** Asks a webapp whose services answer as `replies` says, by path; what is not in it can't be reached. */
async function ask(path: string, replies: Readonly<Record<string, Reply>>, init: RequestInit = {}) {
  const calls: Call[] = [];
  const call = async (one: Call): Promise<Reply> => {
    calls.push(one);
    const reply = replies[one.url.pathname];
    if (!reply) throw new Error("connection refused");
    return reply;
  };
  const shop = await serve(webapp({ catalog, forum, call, log: () => {} }));
  const response = await fetch(new URL(path, shop.url), init);
  const body = await response.text();
  await shop.close();
  return { status: response.status, body, calls };
}

const items = { status: 200, text: JSON.stringify(firstItems) };
const failed = { status: 500, body: "error calling Catalog service" };

test.each([
  ["GET /api/catalog", "/api/catalog", { "/items": items }, { status: 200, body: items.text }],
  ["a catalog that fails", "/api/catalog", { "/items": { status: 500, text: "" } }, failed],
  ["a catalog that can't be reached", "/api/catalog", {}, failed],
  ["a status is not looked at", "/api/catalog", { "/items": { ...items, status: 503 } }, { status: 200 }],
  ["one item", "/api/catalog/items/1", { "/items/1": { status: 200, text: glasses } }, { status: 200, body: glasses }],
  ["no such item", "/api/catalog/items/9", { "/items/9": { status: 404, text: "Not Found" } }, failed],
  ["users", "/api/users", { "/api/users": { status: 200, text: users } }, { status: 200, body: users }],
  ["no forum", "/api/users", {}, { status: 500, body: "error calling Forum service" }],
  ["health", "/api/healthz", {}, { status: 200, body: "Healthy!" }],
  ["anything else", "/nothing", {}, { status: 404 }],
])("%s", async (_, path, replies, answer) => {
  expect(await ask(path, replies)).toMatchObject(answer);
});

test("a picture is shown only where there is one", async () => {
  const text = JSON.stringify([{ ...firstItems[0], imageUrl: "http://x/1", stock: 3 }]);
  const { body } = await ask("/api/catalog", { "/items": { status: 200, text } });
  expect(JSON.parse(body)).toEqual([{ ...firstItems[0], imageUrl: "http://x/1" }]);
});

test("x- headers and Authorization are handed on, others are not", async () => {
  const headers = { "x-request-id": "7", "X-Dark-Launch": "v2", authorization: "Bearer t", traceparent: "00-1" };
  const { calls } = await ask("/api/catalog", { "/items": items }, { headers });
  expect(calls.map((call) => [call.url.href, call.headers])).toEqual([
    ["http://catalog.istioinaction/items", { "x-request-id": "7", "x-dark-launch": "v2", authorization: "Bearer t" }],
  ]);
});

test.each([
  ["is created", '{"name":"Hat"}', 201, { status: 200, body: "null" }],
  ["is refused by the catalog", '{"name":"Hat"}', 200, failed],
  ["is no JSON", "{", 201, { status: 400, body: "Invalid CatalogItem" }],
])("a new item that %s", async (_, body, status, answer) => {
  const reply = await ask("/api/catalog/items", { "/items": { status, text: "" } }, { method: "POST", body });
  expect(reply).toMatchObject(answer);
});

test("the page shows what there is, and says what there is not", async () => {
  const replies = { "/items": items, "/api/users": { status: 200, text: '[{"name":"<b>","username":"x"}]' } };
  const { status, body } = await ask("/", replies);
  expect(status).toBe(200);
  expect(body).toContain("Elinor Glasses");
  expect(body).toContain("&lt;b&gt;");
  expect(body).not.toContain("not available");
  const empty = (await ask("/", {})).body;
  expect(empty).toContain("The catalog service is currently not available.");
  expect(empty).toContain("The forum service is currently not available.");
});
