import { afterAll, beforeAll, expect, test } from "vitest";
import { type Shop, startShop } from "../support/shop.ts";

let shop: Shop;

beforeAll(async () => {
  shop = await startShop();
});
afterAll(() => shop?.stop());

test("the project's README is run as it is read", async () => {
  const walk = shop.walk("README.md");
  await walk.run("See it run");
  expect(walk.unseen).toEqual(["On Kubernetes"]); // test/kube/readme.test.ts
});
