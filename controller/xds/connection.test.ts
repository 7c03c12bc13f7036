import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { DeltaDiscoveryRequestSchema } from "../gen/envoy/service/discovery/v3/discovery_pb.js";
import type { Proxy } from "../model/proxy.ts";
import { typeUrls } from "../model/resource.ts";
import { TestClock } from "../ports/clock.ts";
import { TestLog } from "../ports/log.ts";
import { Connection, type XdsEvent } from "./connection.ts";
import type { Target } from "./delta.ts";
import { deny, target } from "./test-support/harness.ts";

const proxy: Proxy = {
  id: "sidecar~10.0.0.7~web-1.shop~shop.svc.cluster.local",
  type: "sidecar",
  ip: "10.0.0.7",
  name: "web-1",
  namespace: "shop",
  labels: {},
  serviceAccount: "",
  workload: "",
  interception: "REDIRECT",
  version: "",
};

const identity = { trustDomain: "cluster.local", namespace: "shop", serviceAccount: "web" };

function connect(targetFor: () => Target, isStanding = () => true) {
  const written: (() => void)[] = [];
  const events: XdsEvent[] = [];
  const refusals: string[] = [];
  const log = new TestLog();
  const clock = new TestClock(7);
  const connection = new Connection({
    warn: (text: string) => log.warn(text),
    ...{ targetFor, deny, log, clock, identifier: "test", connection: 1, proxy, identity, isStanding },
    onEvent: (event) => events.push(event),
    write: (_, done) => written.push(done),
    refuse: ({ code, message }) => refusals.push(`${code}: ${message}`),
  });
  connection.receive(create(DeltaDiscoveryRequestSchema, { typeUrl: typeUrls.CDS }));
  const sent = () =>
    events.flatMap((event) =>
      event.kind === "sent" ? event.resources.map((one) => `${one.name}@${one.version}`) : [],
    );
  return { connection, written, events, log, clock, refusals, sent };
}

test("a slow proxy gets the newest state only, and that is computed once", () => {
  let version = 0;
  const { connection, written, sent } = connect(() => target({ CDS: `a@${++version}` }));
  expect(sent()).toEqual(["a@1"]);
  for (let push = 0; push < 5; push++) connection.push();
  expect(sent()).toEqual(["a@1"]);
  written.pop()?.();
  expect(sent()).toEqual(["a@1", "a@2"]);
  expect(written).toHaveLength(1);
});

test("a target that cannot be computed is logged, and the proxy keeps what it has until it can", () => {
  let targetFor = (): Target => target({ CDS: "a@1" });
  const { connection, written, sent, log } = connect(() => targetFor());
  written.pop()?.();
  targetFor = () => {
    throw new Error("no such mesh");
  };
  connection.push();
  expect(log.lines.at(-1)).toMatch(/^error: web-1\.shop: .*it keeps what it has: Error: no such mesh/);
  targetFor = () => target({ CDS: "a@2" });
  connection.push();
  expect(sent()).toEqual(["a@1", "a@2"]);
});

test("after its end nothing is sent; the end is told once", () => {
  const { connection, events, sent } = connect(() => target({ CDS: "a@1" }));
  connection.end();
  connection.end();
  connection.push();
  expect(sent()).toEqual(["a@1"]);
  expect(events.map(({ kind }) => kind)).toEqual(["connected", "sent", "disconnected"]);
  expect(events.at(-1)).toMatchObject({ connection: 1, proxy, atMs: 7 });
});

test("who asks for a secret that is not its own is refused, and told nothing", () => {
  const { connection, refusals, written } = connect(() => target({ CDS: "a@1", SDS: "default@1 ROOTCA@1" }));
  const before = written.length;
  const names = ["default", "kubernetes://gateway-key"];
  connection.receive(create(DeltaDiscoveryRequestSchema, { typeUrl: typeUrls.SDS, resourceNamesSubscribe: names }));
  const text = 'secret "kubernetes://gateway-key" is not this proxy\'s: it may ask for default and ROOTCA';
  expect(refusals).toEqual([`PERMISSION_DENIED: ${text}`]);
  expect(written).toHaveLength(before);
});

test("who has been without its pod for a minute is refused, and served until then", () => {
  let version = 0;
  let stands = true;
  const make = (): Target => target({ CDS: `a@${++version}` });
  const { connection, clock, refusals, sent, written } = connect(make, () => stands);
  const pushAndWait = (isStanding: boolean, ms: number): void => {
    stands = isStanding;
    written.pop()?.();
    connection.push();
    clock.advance(ms);
  };
  pushAndWait(true, 3_600_000);
  pushAndWait(false, 30_000);
  pushAndWait(false, 29_999);
  pushAndWait(true, 3_600_000); // it came back in time
  pushAndWait(false, 30_000);
  pushAndWait(false, 29_999); // something else has changed: the minute goes on
  expect([refusals, sent()]).toEqual([[], ["a@1", "a@2", "a@3", "a@4", "a@5", "a@6", "a@7"]]);
  clock.advance(1);
  expect(refusals).toEqual(["PERMISSION_DENIED: pod web-1.shop is gone"]);
});

test.each(["before", "after"])("who leaves is not refused for a pod that goes %s it", (order) => {
  let stands = true;
  const { connection, clock, refusals } = connect(
    () => target({}),
    () => stands,
  );
  const steps = [
    () => {
      stands = false;
      connection.push();
    },
    () => connection.end(),
  ];
  for (const step of order === "before" ? steps : steps.reverse()) step();
  clock.advance(60_000);
  expect(refusals).toEqual([]);
});
