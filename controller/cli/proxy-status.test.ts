import { describe, expect, test } from "vitest";
import type { SyncState } from "../model/proxy-state.ts";
import type { ProxySync } from "../status/sync.ts";
import { humanDuration } from "./duration.ts";
import { statusTable, subscribedTable } from "./proxy-status.ts";

const nowMs = 1_000_000_000;

function proxy(name: string, states: readonly (SyncState | [SyncState, ageMs: number])[]): ProxySync {
  const [CDS, LDS, EDS, RDS, ECDS] = states.map((state) =>
    typeof state === "string" ? { state } : { state: state[0], sinceMs: nowMs - state[1] },
  );
  const types = { CDS, LDS, EDS, RDS, ECDS } as ProxySync["types"];
  return { name, cluster: "Kubernetes", version: "1.40.0", controller: "sluice-1", connectedAtMs: 0, types };
}

const proxies = [
  proxy("catalog-1.istioinaction", ["SYNCED", "SYNCED", "SYNCED", "SYNCED", "NOT SENT"]),
  proxy("webapp-1.istioinaction", [
    ["SYNCED", 300_000],
    ["STALE", 61_000],
    "STALE (Never Acknowledged)",
    ["SYNCED", 0],
    "STALE",
  ]),
];

test("a column for each type, as istioctl prints it", async () => {
  await expect(statusTable(proxies, nowMs)).toMatchFileSnapshot("testdata/proxy-status.txt");
});

test("one column for all types, as istioctl prints it since 1.27", async () => {
  await expect(subscribedTable([...proxies, proxy("new.x", Array(5).fill("NOT SENT"))])).toMatchFileSnapshot(
    "testdata/proxy-status-subscribed.txt",
  );
});

test("a type that the controller does not tell of is IGNORED", () => {
  const old: ProxySync = JSON.parse(JSON.stringify({ ...proxies[0], types: { CDS: { state: "SYNCED" } } }));
  expect(statusTable([old], nowMs)).toContain("SYNCED     IGNORED     IGNORED");
  expect(subscribedTable([old])).toContain("1 (CDS)");
});

describe("ages", () => {
  const s = 1000;
  const [m, h, d] = [60 * s, 3600 * s, 86_400 * s];
  test.each([
    [-5 * s, "0s"],
    [119 * s, "119s"],
    [2 * m, "2m"],
    [3 * m + 20 * s, "3m20s"],
    [10 * m + 59 * s, "10m"],
    [179 * m, "179m"],
    [3 * h, "3h"],
    [7 * h + 5 * m, "7h5m"],
    [47 * h, "47h"],
    [2 * d + 4 * h, "2d4h"],
    [8 * d + 4 * h, "8d"],
    [729 * d, "729d"],
    [731 * d, "2y1d"],
    [8 * 365 * d, "8y"],
  ])("%i ms is %s", (ms, text) => {
    expect(humanDuration(ms)).toBe(text);
  });
});
