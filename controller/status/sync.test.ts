import { describe, expect, test } from "vitest";
import type { Delivery, XdsType } from "../model/resource.ts";
import { syncOf, typeSync } from "./sync.ts";
import { acked, nacked, plugin, proxyState, resource, sent, slotOf } from "./test-support/mesh.ts";

const budget = plugin("budget", "1f");
const wanted = resource("RDS", "80", "v2");
const other = resource("RDS", "8080", "v1");

describe("the state of a type", () => {
  const rows: [string, XdsType, (readonly [ReturnType<typeof slotOf>, Delivery?])[], ReturnType<typeof typeSync>][] = [
    ["nothing was asked for", "RDS", [[wanted]], { state: "NOT SENT" }],
    [
      "all is acknowledged",
      "RDS",
      [
        [wanted, acked("v2", 5)],
        [other, acked("v1", 9)],
      ],
      { state: "SYNCED", sinceMs: 9 },
    ],
    [
      "an answer is awaited",
      "RDS",
      [
        [wanted, sent("v2", 7)],
        [other, acked("v1", 9)],
      ],
      { state: "STALE", sinceMs: 7 },
    ],
    ["an older version is acknowledged", "RDS", [[wanted, acked("v1", 5)]], { state: "STALE" }],
    [
      "the newest version is refused, an older one serves",
      "RDS",
      [[wanted, nacked("v2", "no", "v1")]],
      { state: "STALE" },
    ],
    ["all is refused", "RDS", [[wanted, nacked("v2", "no")]], { state: "STALE (Never Acknowledged)" }],
    [
      "the first answer is awaited",
      "RDS",
      [[wanted, sent("v2", 7)]],
      { state: "STALE (Never Acknowledged)", sinceMs: 7 },
    ],
    ["every slot is empty", "ECDS", [[slotOf("e"), acked("e", 3)]], { state: "NOT SENT" }],
    ["a slot holds a plugin", "ECDS", [[slotOf("e", budget), acked("e", 3)]], { state: "SYNCED", sinceMs: 3 }],
    ["an empty slot is refused", "ECDS", [[slotOf("e"), nacked("e", "no")]], { state: "STALE (Never Acknowledged)" }],
    [
      "a slot's first plugin is on its way, an empty slot was accepted",
      "ECDS",
      [
        [slotOf("a", budget), sent("a", 4)],
        [resource("ECDS", "inbound/authn", "e"), acked("e", 1)],
      ],
      { state: "STALE", sinceMs: 4 },
    ],
    [
      "a proxy keeps the version it had before a stopgap",
      "ECDS",
      [[{ ...slotOf("deny", budget), stopgap: true }, acked("old", 2)]],
      { state: "SYNCED", sinceMs: 2 },
    ],
  ];
  test.each(rows)("%s", (_, type, pairs, expected) => {
    const state = proxyState("web-1", pairs);
    expect(typeSync(type, state.snapshot[type], state.deliveries[type])).toEqual(expected);
  });
});

test("a proxy's row names it as Istio does and has every type", () => {
  const state = proxyState("web-1", [[wanted, acked("v2", 5)]], 2);
  expect(syncOf(state, { cluster: "Kubernetes", controller: "sluice" })).toEqual({
    name: "web-1.shop",
    cluster: "Kubernetes",
    version: "1.40.0",
    controller: "sluice",
    connectedAtMs: 2,
    types: {
      CDS: { state: "NOT SENT" },
      LDS: { state: "NOT SENT" },
      EDS: { state: "NOT SENT" },
      RDS: { state: "SYNCED", sinceMs: 5 },
      ECDS: { state: "NOT SENT" },
    },
  });
});
