import { afterEach, beforeEach, expect, test } from "vitest";
import { serve } from "../test-support.ts";
import { catalogApp } from "./app.ts";
import { firstItems } from "./items.ts";

let lines: string[] = [];
let shop = await serve(() => {});

beforeEach(async () => {
  await shop.close();
  lines = [];
  shop = await serve(catalogApp({ showImage: false, random: () => 0, log: (line) => lines.push(line) }));
});
afterEach(() => shop.close());

async function ask(path: string, method = "GET", body?: unknown) {
  const response = await fetch(new URL(path, shop.url), {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
  return { status: response.status, body: await response.text(), headers: response.headers };
}

test("items, one item, and no such item", async () => {
  const all = await ask("/items");
  expect([all.status, JSON.parse(all.body)]).toEqual([200, firstItems]);
  expect(Object.fromEntries(all.headers)).toMatchObject({
    "content-type": "application/json; charset=utf-8",
    "cache-control": "no-cache",
    "access-control-allow-origin": "*",
    "x-powered-by": "Express",
  });
  expect((await ask("/items/1")).body).toBe(
    '{"id":1,"color":"amber","department":"Eyewear","name":"Elinor Glasses","price":"282.00"}',
  );
  expect(await ask("/items/9")).toMatchObject({ status: 404, body: "Not Found" });
  expect(await ask("/items/1", "PUT", {})).toMatchObject({ status: 404 });
});

test("a new item gets the next number", async () => {
  expect(await ask("/items", "POST", { id: 77, name: "Hat" })).toMatchObject({ status: 201, body: "" });
  expect(JSON.parse((await ask("/items/5")).body)).toEqual({ id: 5, name: "Hat" });
});

test("blowups are set, shown and deleted, and only items feel them", async () => {
  const failing = { type: "500", active: true, percentage: 100 };
  expect(await ask("/blowup", "POST", failing)).toMatchObject({ status: 200, body: "blowups=[object Object]" });
  expect(JSON.parse((await ask("/blowup")).body)).toEqual({ "500": failing });
  expect(await ask("/items")).toMatchObject({ status: 500, body: "" });
  expect(await ask("/items/1")).toMatchObject({ status: 500 });
  expect(await ask("/other")).toMatchObject({ status: 404 });
  expect(await ask("/blowup", "DELETE", { type: "500" })).toMatchObject({ status: 200, body: "deleted blowup 500" });
  expect(await ask("/items")).toMatchObject({ status: 200 });
  expect(lines).toContain("blowup 500: /items/1");
  expect(lines.find((line) => line.startsWith("GET"))).toMatch(/^GET 127\.0\.0\.1:\d+ \/blowup 200 \d+ - [\d.]+ ms$/);
});

test("a drop closes the connection without an answer", async () => {
  await ask("/blowup", "POST", { type: "drop", active: true });
  await expect(ask("/items")).rejects.toThrow();
});

test("what is no JSON is a bad request", async () => {
  const response = await fetch(new URL("/blowup", shop.url), { method: "POST", body: "{" });
  expect(response.status).toBe(400);
});

test("version 2 shows a picture of each item", async () => {
  const second = await serve(catalogApp({ showImage: true, random: () => 0.5, log: () => {} }));
  const items: unknown = await (await fetch(new URL("/items", second.url))).json();
  expect(items).toEqual(firstItems.map((item) => ({ ...item, imageUrl: "https://picsum.photos/seed/500/640/480" })));
  await second.close();
});
