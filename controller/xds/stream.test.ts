import { describe, expect, test } from "vitest";
import { typeUrls, type XdsType } from "../model/resource.ts";
import { Driver, deny, shop, started, target } from "./test-support/harness.ts";

describe("a fresh stream", () => {
  test("each type is sent when it is asked for, and no answer is waited for", () => {
    const driver = new Driver(shop);
    expect(driver.ask("CDS")).toEqual(["CDS a@1 b@1"]);
    expect(driver.ask("EDS", { subscribe: "b a" })).toEqual(["EDS a@1 b@1"]); // the CDS ACK comes only after this
    expect(driver.ask("LDS")).toEqual(["LDS 0.0.0.0_80@1"]);
    expect(driver.ask("ECDS", { subscribe: "outbound/authn" })).toEqual(["ECDS outbound/authn@1"]);
    expect(driver.ask("RDS", { subscribe: "80" })).toEqual(["RDS 80@1"]);
  });

  test("nothing is sent before the target is known; then everything asked for", () => {
    const driver = new Driver();
    expect(driver.ask("CDS")).toEqual([]);
    expect(driver.aim(shop)).toEqual(["CDS a@1 b@1"]);
  });

  test.each<XdsType>(["CDS", "LDS"])("%s without any resource is answered with an empty response", (type) => {
    expect(new Driver({}).ask(type)).toEqual([type]);
  });

  test.each<XdsType>(["EDS", "RDS", "ECDS", "SDS"])("a first request of %s without names asks for nothing", (type) => {
    expect(new Driver(shop).ask(type)).toEqual([]);
  });

  test("an answer makes nothing be sent", () => {
    expect(started(shop).responses).toHaveLength(5);
  });
});

describe("order of a push", () => {
  test("clusters, their endpoints, filters, listeners, routes, and removed clusters last", () => {
    const driver = started(shop);
    const next = { CDS: "b@1 c@1", EDS: "b@1 c@1", LDS: "0.0.0.0_80@2", RDS: "80@2", ECDS: "outbound/authn@2" };
    expect(driver.aim(next)).toEqual([
      "CDS c@1",
      "EDS c@1",
      "ECDS outbound/authn@2",
      "LDS 0.0.0.0_80@2",
      "RDS 80@2",
      "CDS -a",
    ]);
  });

  test("a listener is removed and another added in one response", () => {
    expect(started(shop).aim({ ...shop, LDS: "0.0.0.0_81@1" })).toEqual(["LDS 0.0.0.0_81@1 -0.0.0.0_80"]);
  });

  test("no type is sent that the proxy has not asked for", () => {
    const driver = new Driver(shop);
    driver.ask("CDS");
    expect(driver.aim({ CDS: "a@2 b@1", EDS: "a@2 b@1", LDS: "0.0.0.0_80@2", RDS: "80@2" })).toEqual(["CDS a@2"]);
  });

  test("the same content is not sent", () => {
    const driver = started(shop);
    expect(driver.aim(shop)).toEqual([]);
    expect(driver.flush()).toEqual([]);
  });

  test("content that changes twice while the connection is slow is sent once", () => {
    const driver = started(shop);
    driver.stream.aim(target({ ...shop, RDS: "80@2" }));
    driver.stream.aim(target({ ...shop, RDS: "80@3" }));
    expect(driver.flush()).toEqual(["RDS 80@3"]);
  });
});

describe("endpoints of a changed cluster", () => {
  test("are sent again, unchanged and unasked: the new version warms until they come", () => {
    expect(started(shop).aim({ ...shop, CDS: "a@2 b@1" })).toEqual(["CDS a@2", "EDS a@1"]);
  });

  test("are sent behind a new cluster, before the routes that may use it, and again when asked for", () => {
    const driver = started(shop);
    const next = { ...shop, CDS: "a@1 b@1 c@1", EDS: "a@1 b@1 c@1", RDS: "80@2" };
    expect(driver.aim(next)).toEqual(["CDS c@1", "EDS c@1", "RDS 80@2"]);
    // Envoy throws away what it didn't ask for, so this ACK proves nothing.
    driver.ack("EDS");
    expect(driver.delivered("EDS")).toEqual(["a@1 acked", "b@1 acked"]);
    expect(driver.ask("EDS", { subscribe: "c" })).toEqual(["EDS c@1"]);
    driver.ack("EDS");
    expect(driver.delivered("EDS")).toContain("c@1 acked");
  });

  test("come between it and the next cluster, so that none warms when the next is refused; DNS clusters go last", () => {
    const driver = started({ ...shop, CDS: "a@1 aa.dns@1 b@1" });
    const sent = driver.aim({ ...shop, CDS: "a@2 aa.dns@2 b@2" });
    expect(sent).toEqual(["CDS a@2", "EDS a@1", "CDS b@2", "EDS b@1", "CDS aa.dns@2"]);
  });

  test("go in parts with their clusters where very many change", () => {
    const all = (version: number): string => Array.from({ length: 130 }, (_, i) => `c${i}@${version}`).join(" ");
    const sent = started({ CDS: all(1), EDS: all(1) }).aim({ CDS: all(2), EDS: all(1) });
    expect(sent).toHaveLength(2 * 44);
    expect(sent.slice(0, 2)).toEqual(["CDS c0@2 c1@2 c10@2", "EDS c0@1 c1@1 c10@1"]);
  });

  test("are emptied where the cluster stays, and left where it goes too", () => {
    const driver = started(shop);
    expect(driver.aim({ ...shop, CDS: "a@1", EDS: "" })).toEqual(["EDS a@deny", "CDS -b"]);
    expect(driver.flush()).toEqual([]);
  });
});

describe("secrets", () => {
  test("one that is not issued yet is sent as soon as it is there, and renewed on the same stream", () => {
    const driver = started(shop);
    expect(driver.ask("SDS", { subscribe: "default" })).toEqual([]);
    expect(driver.ask("SDS", { subscribe: "ROOTCA" })).toEqual([]);
    expect(driver.aim({ ...shop, SDS: "default@1 ROOTCA@1" })).toEqual(["SDS ROOTCA@1 default@1"]);
    driver.ack("SDS");
    expect(driver.aim({ ...shop, SDS: "default@2 ROOTCA@1" })).toEqual(["SDS default@2"]);
  });

  test("go before all that is secured by them, and are never removed", () => {
    const driver = started({ ...shop, SDS: "default@1" });
    driver.ask("SDS", { subscribe: "default" });
    const next = { ...shop, CDS: "a@2 b@1", SDS: "default@2" };
    expect(driver.aim(next)).toEqual(["SDS default@2", "CDS a@2", "EDS a@1"]);
    expect(driver.aim({ ...next, SDS: "" })).toEqual([]);
  });

  test("a refused one is not sent again; the next is", () => {
    const driver = started({ ...shop, SDS: "default@1" });
    driver.ask("SDS", { subscribe: "default" });
    driver.ack("SDS");
    driver.aim({ ...shop, SDS: "default@2" });
    expect(driver.nack("SDS", "Failed to load certificate chain")).toEqual([]);
    expect(driver.delivered("SDS")).toEqual(["default@2 nacked, live 1"]);
    expect(driver.aim({ ...shop, SDS: "default@3" })).toEqual(["SDS default@3"]);
  });
});

describe("names", () => {
  test.each`
    type      | name        | answer
    ${"EDS"}  | ${"nobody"} | ${"EDS nobody@deny"}
    ${"RDS"}  | ${"nobody"} | ${"RDS nobody@deny"}
    ${"ECDS"} | ${"nobody"} | ${"ECDS nobody@deny"}
    ${"CDS"}  | ${"nobody"} | ${"CDS -nobody"}
    ${"LDS"}  | ${"nobody"} | ${"LDS -nobody"}
  `("a name of $type that doesn't exist is answered at once: $answer", ({ type, name, answer }) => {
    const driver = new Driver(shop);
    expect(driver.ask(type, { subscribe: name })).toEqual([answer]);
    expect(driver.flush()).toEqual([]);
  });

  test("what was denied is sent as soon as it exists", () => {
    const driver = new Driver({});
    driver.ask("RDS", { subscribe: "80" });
    expect(driver.aim({ RDS: "80@1" })).toEqual(["RDS 80@1"]);
  });

  test.each<XdsType>(["RDS", "ECDS"])(
    "%s that vanishes is left alone: Envoy ignores the removal, or breaks",
    (type) => {
      expect(started(shop).aim({ ...shop, [type]: "" })).toEqual([]);
    },
  );

  test("a subscription is answered in full, even of what was sent before", () => {
    const driver = started(shop);
    expect(driver.ask("ECDS", { subscribe: "outbound/authn" })).toEqual(["ECDS outbound/authn@1"]);
  });

  test("what is unsubscribed is no longer sent; asked for again, it is", () => {
    const driver = started(shop);
    expect(driver.ask("RDS", { unsubscribe: "80" })).toEqual([]);
    expect(driver.aim({ ...shop, RDS: "80@2" })).toEqual([]);
    expect(driver.delivered("RDS")).toEqual([]);
    expect(driver.ask("RDS", { subscribe: "80" })).toEqual(["RDS 80@2"]);
  });

  test("a subscription may come in the same request as an answer", () => {
    const driver = started(shop);
    driver.aim({ ...shop, EDS: "a@2 b@1" });
    driver.receive({ typeUrl: typeUrls.EDS, nonce: driver.nonce("EDS"), ask: { subscribe: "b" } });
    expect(driver.flush()).toEqual(["EDS b@1"]);
    expect(driver.delivered("EDS")).toContain("a@2 acked");
  });

  test("clusters can be asked for one by one, and all of them by *", () => {
    const driver = new Driver(shop);
    expect(driver.ask("CDS", { subscribe: "a" })).toEqual(["CDS a@1"]);
    expect(driver.aim({ ...shop, CDS: "a@1 b@2" })).toEqual([]);
    expect(driver.ask("CDS", { subscribe: "*" })).toEqual(["CDS b@2"]);
    expect(driver.ask("CDS", { unsubscribe: "*" })).toEqual([]);
    expect(driver.aim({ CDS: "a@2 b@3" })).toEqual(["CDS a@2"]);
  });

  test("* with nothing there is answered with an empty response", () => {
    expect(new Driver({}).ask("LDS", { subscribe: "*" })).toEqual(["LDS"]);
  });

  test("a name unsubscribed from that * still covers is told anew", () => {
    const driver = new Driver(shop);
    driver.ask("CDS", { subscribe: "* a nobody" });
    expect(driver.ask("CDS", { unsubscribe: "a nobody" })).toEqual(["CDS a@1", "CDS -nobody"]);
  });

  test("names of a type that this server doesn't know are answered as not existing", () => {
    const driver = new Driver(shop);
    const typeUrl = "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration";
    expect(driver.ask({ typeUrl }, { subscribe: "x" })).toEqual([`${typeUrl} -x`]);
    expect(driver.events).toEqual([{ kind: "unsupported", typeUrl, names: ["x"] }]);
    expect(driver.ask({ typeUrl })).toEqual([]);
  });
});

test("deny is asked for the very type and name", () => {
  const asked: string[] = [];
  const driver = new Driver({}, (type, name) => {
    asked.push(`${type} ${name}`);
    return deny(type, name);
  });
  driver.ask("ECDS", { subscribe: "inbound/authz" });
  expect(asked).toEqual(["ECDS inbound/authz"]);
});
