import { describe, expect, test } from "vitest";
import { Driver, resumed, shop } from "./test-support/harness.ts";

describe("a stream that resumes", () => {
  test("nothing is sent that the proxy has", () => {
    const { driver, sent } = resumed(shop, shop);
    expect(sent).toEqual([]);
    expect(driver.delivered("RDS")).toEqual(["80@1 acked"]);
    expect(driver.status("CDS").state).toBe("SYNCED");
  });

  test("what changed is sent, endpoints right behind their cluster although not asked for yet", () => {
    const { sent } = resumed(shop, { ...shop, CDS: "a@2 b@1 c@1", EDS: "a@1 b@1 c@1", RDS: "80@2" });
    expect(sent).toEqual(["CDS a@2", "EDS a@1", "CDS c@1", "EDS c@1", "RDS 80@2"]);
  });

  test("endpoints that came before the latest version of their cluster are sent again: it warms without them", () => {
    const driver = new Driver({ ...shop, CDS: "a@2 b@1" });
    driver.ask("CDS", { initial: "a@2 b@1" });
    expect(driver.ask("EDS", { initial: "a@1-1 b@1-1", subscribe: "a b" })).toEqual(["EDS a@1"]);
    expect(driver.responses[0]?.resources[0]?.version).toBe("1-2");
  });

  test("what the proxy subscribes to and doesn't report is sent", () => {
    const driver = new Driver(shop);
    expect(driver.ask("EDS", { initial: "a@1-1", subscribe: "a b" })).toEqual(["EDS b@1"]);
  });

  test("a listener that vanished is removed explicitly", () => {
    const { sent } = resumed({ LDS: "x@1 y@1" }, { LDS: "x@1" });
    expect(sent).toContain("LDS -y");
  });

  test("a cluster that vanished is removed after the routes that used it were replaced", () => {
    const { driver, sent } = resumed(shop, { ...shop, CDS: "b@1", EDS: "b@1", RDS: "80@2" });
    expect(sent).toEqual(["LDS", "RDS 80@2"]); // the empty one asks for an answer: by then all first requests are in
    expect(driver.flush()).toEqual([]);
    expect(driver.ack("LDS")).toEqual(["CDS -a"]);
    expect(driver.ack("RDS")).toEqual([]);
  });

  test("… and that answer asks for no listeners: a proxy that is still starting has not", () => {
    const driver = new Driver({ CDS: "b@1", LDS: "0.0.0.0_80@1" });
    expect(driver.ask("CDS", { initial: "a@1 b@1" })).toEqual(["LDS"]);
    expect(driver.ack("LDS")).toEqual(["CDS -a"]);
    expect(driver.ask("LDS")).toEqual(["LDS 0.0.0.0_80@1"]);
  });

  test("… which any answer allows, also while the clusters' ACK is withheld", () => {
    const { driver, sent } = resumed(shop, { ...shop, CDS: "b@2", EDS: "b@1", RDS: "80@2" });
    expect(sent).toEqual(["CDS b@2", "EDS b@1", "RDS 80@2"]);
    expect(driver.ack("EDS")).toEqual(["CDS -a"]);
  });

  test("a cluster that vanished and that the proxy doesn't report is known by its endpoints, and removed", () => {
    const driver = new Driver({ CDS: "b@1", EDS: "b@1", keep: { CDS: "kept" } });
    driver.ask("CDS", { initial: "b@1" });
    expect(driver.ask("EDS", { initial: "b@1-1", subscribe: "b gone kept" })).toEqual(["EDS gone@deny kept@deny"]);
    expect(driver.ack("EDS")).toEqual(["CDS -gone"]);
  });

  test("routes, filters and endpoints that vanished are left alone", () => {
    expect(resumed({ RDS: "80@1", ECDS: "outbound/authn@1", EDS: "gone@1" }, {}).sent).toEqual(["CDS", "LDS"]);
  });

  test("what cannot be computed at the moment is left alone where the proxy has it", () => {
    const keep = { CDS: "a", EDS: "a", LDS: "0.0.0.0_80", RDS: "80", ECDS: "outbound/authn" };
    const wish = { CDS: "b@1", EDS: "b@1", ECDS: "outbound/authn@fallback", keep };
    const { driver, sent } = resumed(shop, wish);
    expect(sent).toEqual([]);
    expect(driver.aim({ ...wish, RDS: "80@3" })).toEqual([]);
    expect(driver.aim(shop)).toEqual([]);
  });

  test("… and a proxy that has nothing gets the snapshot's, or what denies", () => {
    const wish = { ECDS: "outbound/authn@fallback", keep: { ECDS: "outbound/authn", RDS: "80" } };
    const driver = new Driver(wish);
    expect(driver.ask("ECDS", { subscribe: "outbound/authn" })).toEqual(["ECDS outbound/authn@fallback"]);
    expect(driver.ask("RDS", { subscribe: "80" })).toEqual(["RDS 80@deny"]);
    expect(driver.aim({ ECDS: "outbound/authn@2", RDS: "80@2" })).toEqual(["ECDS outbound/authn@2", "RDS 80@2"]);
  });
});
