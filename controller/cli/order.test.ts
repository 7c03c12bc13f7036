import { expect, test } from "vitest";
import { compareClusterNames } from "./order.ts";

test("clusters are ordered by host, subset, port and direction", () => {
  const sorted = [
    "inbound|80||",
    "PassthroughCluster",
    "outbound|80||a.shop",
    "outbound|443||a.shop",
    "outbound|80|v1|a.shop",
    "inbound|80||b.shop",
    "outbound|80||b.shop",
  ];
  expect(sorted.toReversed().sort(compareClusterNames)).toEqual(sorted);
});
