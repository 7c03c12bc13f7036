import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Shop, startShop } from "../support/shop.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 }); // five builds, two runs of vitest

let shop: Shop;

beforeAll(async () => {
  shop = await startShop();
});
afterAll(() => shop?.stop());

test("the guide is run as it is read", async () => {
  const walk = shop.walk("docs/guide.md");
  for (const section of walk.unseen) await walk.run(section);
  expect(walk.unseen).toEqual([]);
});
