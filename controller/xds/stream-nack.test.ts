import { describe, expect, test } from "vitest";
import { typeUrls } from "../model/resource.ts";
import { messageBytesMax } from "./outbox.ts";
import { Driver, resource, resumed, shop, started, target } from "./test-support/harness.ts";

test("of a refusal of megabytes the beginning is kept, in one line", () => {
  const driver = started({ ...shop, RDS: "80@1" });
  driver.aim({ ...shop, RDS: "80@2" });
  driver.nack("RDS", `no such cluster:\n${"x".repeat(4 << 20)}`);
  const nacked = driver.events.find(({ kind }) => kind === "nacked");
  const reason = expect.stringMatching(/^no such cluster: x{3900,}…$/);
  expect(nacked).toMatchObject({ refused: [{ resource: { name: "80" }, reason }] });
});

describe("a refused response", () => {
  const bad = "Error adding/updating cluster(s) b: hash ring: minimum > maximum";

  /** A proxy that starts with two new clusters, of which it refuses b: they are in one response only then. */
  function refusing(): { driver: Driver; sent: string[] } {
    const driver = new Driver(shop);
    driver.ask("CDS");
    driver.ask("EDS", { subscribe: "a b" });
    return { driver, sent: driver.nack("CDS", bad) };
  }

  test("its good half is sent again in a response of its own, once; the bad one waits for other content", () => {
    const { driver, sent } = refusing();
    expect(sent).toEqual(["CDS -b", "CDS a@1", "EDS a@1"]);
    expect(driver.ack("CDS")).toEqual([]);
    expect(driver.delivered("CDS")).toEqual(["a@1 acked", "b@1 nacked"]);
    expect(driver.aim({ ...shop, CDS: "a@1 b@2" })).toEqual(["CDS b@2", "EDS b@1"]);
  });

  test("the cluster in it that never was any good is removed: Envoy withholds all ACKs while it has it", () => {
    const { driver } = refusing();
    const removal = driver.responses.find(({ removed }) => removed.length > 0)?.nonce ?? "";
    driver.receive({ typeUrl: typeUrls.CDS, nonce: removal });
    expect(driver.flush()).toEqual([]);
    expect(driver.delivered("CDS")).toContain("b@1 nacked");
  });

  test("… and of one that serves, the serving version is sent, and not taken for what it should have", () => {
    const driver = started(shop);
    driver.aim({ ...shop, CDS: "a@1 b@2" });
    expect(driver.nack("CDS", bad)).toEqual(["CDS b@1", "EDS b@1"]);
    expect(driver.ack("CDS")).toEqual([]);
    expect(driver.delivered("CDS")).toEqual(["a@1 acked", "b@2 nacked, live 1"]);
    expect(driver.aim(shop)).toEqual(["CDS b@1", "EDS b@1"]);
    driver.ack("CDS");
    expect(driver.delivered("CDS")).toEqual(["a@1 acked", "b@1 acked"]);
  });

  test("… also one that the proxy reported, if this server knows it", () => {
    const { driver } = resumed(shop, shop);
    driver.aim({ ...shop, CDS: "a@1 b@2" });
    expect(driver.nack("CDS", bad)).toEqual(["CDS b@1", "EDS b@1"]);
    const stranger = resumed(shop, { ...shop, CDS: "a@1 b@2" }).driver;
    expect(stranger.nack("CDS", bad)).toEqual([]);
    expect(stranger.delivered("CDS")).toContain("b@2 nacked, live 1");
  });

  test("the event names the resource, Envoy's words, and what still serves", () => {
    const driver = started(shop);
    driver.aim({ ...shop, CDS: "a@2 b@2" });
    driver.nack("CDS", bad);
    const nacked = driver.events.find(({ kind }) => kind === "nacked");
    expect(nacked).toMatchObject({
      type: "CDS",
      reason: bad,
      refused: [{ resource: { name: "b", version: "2" }, reason: "hash ring: minimum > maximum", live: "1" }],
    });
  });

  test("live is what the proxy reported when it connected", () => {
    const { driver } = resumed(shop, { ...shop, RDS: "80@2" });
    driver.nack("RDS", "Only a single wildcard domain is permitted in route 80");
    expect(driver.delivered("RDS")).toEqual(["80@2 nacked, live 1"]);
  });

  test("a text that names none: halves are sent until the bad one is alone", () => {
    const wish = { EDS: "a@1 b@1 c@1 d@1" };
    const driver = new Driver(wish);
    driver.ask("EDS", { subscribe: "a b c d" });
    const text = "Unexpected EDS cluster (expecting c): zzz";
    expect(driver.nack("EDS", text)).toEqual(["EDS a@1 b@1", "EDS c@1 d@1"]);
    driver.ack("EDS", "a");
    expect(driver.nack("EDS", text, "c")).toEqual(["EDS c@1", "EDS d@1"]);
    driver.ack("EDS", "d");
    expect(driver.nack("EDS", text, "c")).toEqual([]);
    expect(driver.delivered("EDS")).toEqual(["a@1 acked", "b@1 acked", "c@1 nacked", "d@1 acked"]);
  });

  test("a removal in it goes out again with the good half: Envoy may have applied nothing", () => {
    const driver = started({ LDS: "x@1 y@1 z@1" });
    driver.aim({ LDS: "x@2 y@2" });
    const text = "Error adding/updating listener(s) y: cannot bind '0.0.0.0:80': Address already in use\n";
    expect(driver.nack("LDS", text)).toEqual(["LDS x@2 -z"]);
    expect(driver.nack("LDS", "no")).toEqual(["LDS -z"]);
    expect(driver.nack("LDS", "no")).toEqual([]);
  });

  test("what has changed since is not sent in its old form", () => {
    const driver = new Driver(shop);
    driver.ask("CDS");
    const first = driver.nonce("CDS");
    driver.aim({ ...shop, CDS: "a@2 b@1" });
    driver.receive({ typeUrl: typeUrls.CDS, nonce: first, error: bad });
    expect(driver.flush()).toEqual(["CDS -b"]);
    expect(driver.delivered("CDS")).toEqual(["a@2 sent", "b@1 nacked"]);
  });

  test("a resource too large for a gRPC message is refused here: it would end the stream, again and again", () => {
    const driver = new Driver({});
    const huge = { ...resource("ECDS", "huge", "1"), body: new Uint8Array(messageBytesMax) };
    const fine = { ...resource("ECDS", "fine", "1"), body: new Uint8Array(messageBytesMax / 2) };
    const { snapshot } = target({});
    const all = new Map([huge, fine].map((one) => [one.name, one]));
    driver.stream.aim({ snapshot: { ...snapshot, ECDS: all } });
    expect(driver.ask("ECDS", { subscribe: "huge fine" })).toEqual(["ECDS fine@1"]);
    expect(driver.events.filter(({ kind }) => kind === "nacked")).toMatchObject([
      { refused: [{ reason: "is 67108864 bytes; one resource may have 66060288" }] },
    ]);
    expect(driver.flush()).toEqual([]);
  });

  test("large resources are sent in responses of their own", () => {
    const driver = new Driver({});
    const all = ["a", "b", "c"].map((name) => ({ ...resource("ECDS", name, "1"), body: new Uint8Array(7 << 20) }));
    driver.stream.aim({ snapshot: { ...target({}).snapshot, ECDS: new Map(all.map((one) => [one.name, one])) } });
    expect(driver.ask("ECDS", { subscribe: "a b c" })).toEqual(["ECDS a@1 b@1", "ECDS c@1"]);
  });
});

describe("nonces", () => {
  test("an ACK that comes when a newer version is under way leaves that one unanswered", () => {
    const driver = started(shop);
    driver.aim({ ...shop, RDS: "80@2" });
    const early = driver.nonce("RDS");
    driver.aim({ ...shop, RDS: "80@3" });
    driver.receive({ typeUrl: typeUrls.RDS, nonce: early });
    expect(driver.delivered("RDS")).toEqual(["80@3 sent"]);
    driver.nack("RDS", "no");
    expect(driver.delivered("RDS")).toEqual(["80@3 nacked, live 2"]);
  });

  test("withheld ACKs may come all at once, the old NACK first", () => {
    const driver = started(shop);
    driver.aim({ ...shop, CDS: "a@1 b@2" });
    const first = driver.nonce("CDS");
    driver.aim({ ...shop, CDS: "a@1 b@3" });
    driver.receive({ typeUrl: typeUrls.CDS, nonce: first, error: "Error adding/updating cluster(s) b: no" });
    driver.receive({ typeUrl: typeUrls.CDS, nonce: driver.nonce("CDS") });
    expect(driver.flush()).toEqual([]);
    expect(driver.delivered("CDS")).toContain("b@3 acked");
  });

  test("an answer to nothing, or the second to the same response, changes nothing", () => {
    const driver = started(shop);
    driver.receive({ typeUrl: typeUrls.RDS, nonce: "not one of ours", error: "no" });
    driver.nack("RDS", "no");
    expect(driver.flush()).toEqual([]);
    expect(driver.delivered("RDS")).toEqual(["80@1 acked"]);
    expect(driver.events.filter(({ kind }) => kind === "nacked")).toEqual([]);
  });
});
