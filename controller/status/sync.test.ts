import { describe, expect, test } from "vitest";
import type { Delivered, TypeStatus } from "../model/proxy-state.ts";
import { syncOf, type TypeSync } from "./sync.ts";
import { acked, nacked, proxyState, sent } from "./test-support/mesh.ts";

const names = { cluster: "Kubernetes", controller: "sluice" };

function delivered(...deliveries: readonly Delivered["delivery"][]): readonly Delivered[] {
  return deliveries.map((delivery, i) => ({ name: String(i), owners: [], delivery }));
}

describe("since when", () => {
  const rows: readonly [string, TypeStatus, TypeSync][] = [
    ["not sent: never", { state: "NOT SENT", delivered: [] }, { state: "NOT SENT" }],
    [
      "synced: the last ACK",
      { state: "SYNCED", lastAckMs: 9, delivered: delivered(acked("a", 5)) },
      { state: "SYNCED", sinceMs: 9 },
    ],
    [
      "stale: the oldest answer that is awaited",
      { state: "STALE", lastAckMs: 3, delivered: delivered(sent("b", 12), sent("a", 7), acked("c", 3)) },
      { state: "STALE", sinceMs: 7 },
    ],
    [
      "refused: unknown",
      { state: "STALE (Never Acknowledged)", delivered: delivered(nacked("a", "no")) },
      { state: "STALE (Never Acknowledged)" },
    ],
  ];
  test.each(rows)("%s", (_, status, expected) => {
    const state = proxyState("web-1", []);
    expect(syncOf({ ...state, types: { ...state.types, RDS: status } }, names).types.RDS).toEqual(expected);
  });
});

test("a proxy is named as Istio does", () => {
  expect(syncOf(proxyState("web-1", [], 2), names)).toMatchObject({
    name: "web-1.shop",
    cluster: "Kubernetes",
    version: "1.40.0",
    controller: "sluice",
    connectedAtMs: 2,
  });
});
