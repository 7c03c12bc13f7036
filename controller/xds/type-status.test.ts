import { describe, expect, test } from "vitest";
import { refText } from "../model/object.ts";
import { Driver, resource, shop, started, target } from "./test-support/harness.ts";

describe("proxy-status", () => {
  test("NOT SENT until asked for, STALE (Never Acknowledged), SYNCED with its time, STALE", () => {
    const driver = new Driver(shop);
    expect(driver.status("CDS").state).toBe("NOT SENT");
    driver.ask("CDS");
    expect(driver.status("CDS").state).toBe("STALE (Never Acknowledged)");
    driver.nowMs = 5000;
    driver.ack("CDS");
    expect(driver.status("CDS")).toMatchObject({ state: "SYNCED", lastAckMs: 5000 });
    driver.aim({ ...shop, CDS: "a@2 b@1" });
    expect(driver.status("CDS")).toMatchObject({ state: "STALE", lastAckMs: 5000 });
    driver.nack("CDS", "no");
    expect(driver.status("CDS")).toMatchObject({ state: "STALE", lastAckMs: 5000 });
  });

  test("a refusal of the first answer of all is STALE (Never Acknowledged)", () => {
    const driver = new Driver({ RDS: "80@1" });
    driver.ask("RDS", { subscribe: "80" });
    driver.nack("RDS", "no");
    expect(driver.status("RDS").state).toBe("STALE (Never Acknowledged)");
  });

  test("ECDS is NOT SENT while no slot has a plugin", () => {
    const plugin = { kind: "WasmPlugin", namespace: "shop", name: "cart-budget" } as const;
    const driver = started(shop);
    expect(driver.status("ECDS")).toMatchObject({
      state: "NOT SENT",
      delivered: [{ owners: [], delivery: { state: "acked" } }],
    });
    const slot = resource("ECDS", "outbound/authn", "2", [plugin]);
    driver.stream.aim({ snapshot: { ...target(shop).snapshot, ECDS: new Map([[slot.name, slot]]) } });
    driver.flush();
    expect(driver.status("ECDS").state).toBe("STALE");
    driver.ack("ECDS");
    expect(driver.status("ECDS").state).toBe("SYNCED");
    expect(driver.status("ECDS").delivered.flatMap(({ owners }) => owners.map(refText))).toEqual([
      "WasmPlugin shop/cart-budget",
    ]);
  });
});
