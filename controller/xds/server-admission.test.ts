import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "../../test/support/wait.ts";
import { typeUrls } from "../model/resource.ts";
import { TestClient } from "./test-support/client.ts";
import { resource } from "./test-support/harness.ts";
import { Peers, received } from "./test-support/peers.ts";

let peers: Peers;
beforeEach(async () => {
  peers = await Peers.start();
});
afterEach(() => peers.close());

test("what a proxy says before it is admitted waits, in order; it is served as who it was found to be", async () => {
  peers.secrets.set("web", resource("SDS", "default", "web-1"));
  const client = await peers.arrive({ token: "t" });
  client.say({ typeUrl: typeUrls.LDS });
  client.say({ typeUrl: typeUrls.SDS, resourceNamesSubscribe: ["default"] });
  expect(peers.pending).toMatchObject([{ request: { token: "t", proxy: { name: "web-1", serviceAccount: "" } } }]);
  expect([client.responses, peers.server.proxies(), peers.events]).toEqual([[], [], []]);
  peers.admit();
  await until(() => client.responses.length === 3, "all answers");
  expect(received(client)).toEqual(["a@1", "l@1", "default@web-1"]);
  expect(peers.server.proxies()).toMatchObject([
    { proxy: { serviceAccount: "web" }, identity: { serviceAccount: "web" } },
  ]);
  expect(peers.pending).toHaveLength(1);
});

test.each([
  { code: "UNAUTHENTICATED", number: 16, message: "the token expired on 2026-11-23T12:00:00.000Z" },
  { code: "PERMISSION_DENIED", number: 7, message: "the token is that of pod a.shop, but node.id says web-1.shop" },
  { code: "UNAVAILABLE", number: 14, message: "pod web-1.shop is not known yet" },
] as const)("who is not admitted gets $code, its reason and nothing else", async ({ code, number, message }) => {
  for (const _ of [1, 2, 3]) {
    const client = await peers.arrive();
    client.say({ typeUrl: typeUrls.SDS, resourceNamesSubscribe: ["default"] });
    peers.pending.at(-1)?.answer({ code, message });
    const status = await until(() => client.status, "the end of the stream");
    expect(status).toMatchObject({ code: number, details: message });
    expect(client.responses).toEqual([]);
  }
  expect(peers.events).toEqual([]);
  expect(peers.log.lines).toEqual([`warn: xDS stream of 127.0.0.1 refused: web-1.shop: ${code}: ${message}`]);
});

test("a fault in the decision is logged, and the proxy is asked to come again", async () => {
  const client = await peers.arrive();
  peers.pending.at(-1)?.answer(Promise.reject(new Error("no such mesh")) as never);
  const status = await until(() => client.status, "the end of the stream");
  expect(status).toMatchObject({ code: 14, details: "internal error" });
  expect(peers.log.lines[0]).toContain("web-1.shop: UNAVAILABLE: internal error: Error: no such mesh");
});

test("who asks for another's secret gets PERMISSION_DENIED, and the stream is over", async () => {
  peers.secrets.set("web", resource("SDS", "default", "web-1"));
  const client = await peers.arrive();
  peers.admit();
  await until(() => client.responses.length === 1, "the first answer");
  client.say({ typeUrl: typeUrls.SDS, resourceNamesSubscribe: ["spiffe://cluster.local/ns/shop/sa/cart"] });
  const status = await until(() => client.status, "the end of the stream");
  expect(status.code).toBe(7);
  expect(status.details).toContain('secret "spiffe://cluster.local/ns/shop/sa/cart" is not this proxy\'s');
  expect(client.responses).toHaveLength(1);
  expect(peers.server.proxies()).toEqual([]);
});

test("a stream ends with OK when the proof of its proxy does", async () => {
  const client = await peers.arrive();
  peers.admit({ untilMs: peers.clock.nowMs() + 60_000 });
  await until(() => client.responses.length === 1, "the first answer");
  peers.clock.advance(59_999);
  peers.server.push();
  expect(peers.server.proxies()).toHaveLength(1);
  peers.clock.advance(1);
  expect(peers.server.proxies()).toEqual([]);
  peers.server.push();
  client.say({ typeUrl: typeUrls.LDS });
  const status = await until(() => client.status, "the end of the stream");
  expect(status.code).toBe(0);
  expect(received(client)).toEqual(["a@1"]);
});

test("a stream ends a minute after its pod, even where that goes while it is decided upon", async () => {
  let stands = true;
  const early = await peers.arrive();
  peers.admit({ isStanding: () => stands });
  await until(() => early.responses.length === 1, "the first answer");
  stands = false;
  peers.server.push();
  const late = await peers.arrive();
  peers.admit({ isStanding: () => stands });
  await until(() => late.responses.length === 1, "the first answer");
  peers.clock.advance(60_000);
  expect(peers.server.proxies()).toEqual([]);
  for (const client of [early, late]) {
    const status = await until(() => client.status, "the end of the stream");
    expect(status).toMatchObject({ code: 7, details: "pod web-1.shop is gone" });
  }
});

test("who leaves while it is decided upon is not connected", async () => {
  const gone = await peers.arrive();
  const [decision] = peers.pending;
  gone.call.cancel();
  const next = await peers.arrive({ over: gone });
  decision?.answer(peers.admitted());
  peers.admit();
  await until(() => next.responses.length === 1, "the next to be served");
  expect(peers.events.map(({ kind, connection }) => `${kind} ${connection}`)).toEqual(["connected 1", "sent 1"]);
});

test("who does not say in time whose stream it is, is let go", async () => {
  const silent = new TestClient(peers.port);
  peers.clients.push(silent);
  const other = await peers.arrive({ over: silent });
  peers.clock.advance(5000);
  expect(await until(() => silent.status, "the end of the stream")).toMatchObject({ code: 16 });
  peers.admit();
  await until(() => other.responses.length === 1, "the other to be served");
});

test("of the much that a peer may say of itself, little is told", async () => {
  const client = new TestClient(peers.port);
  peers.clients.push(client);
  client.say({ node: { id: `web-1\n${"x".repeat(16_000)}` } });
  const status = await until(() => client.status, "the end of the stream");
  expect(status).toMatchObject({ code: 3, details: expect.stringMatching(/^node\.id is "web-1.{900,1000}…$/) });
  expect(peers.log.lines.join("\n")).toMatch(/^warn: .{1000}$/);
});

test("what is no request ends the stream, as the first and later", async () => {
  const [first, later] = [new TestClient(peers.port), await peers.arrive()];
  peers.clients.push(first);
  peers.admit();
  await until(() => later.responses.length === 1, "the first answer");
  for (const client of [first, later]) {
    client.sayBytes(Buffer.from([0x0a, 0xff]));
    const status = await until(() => client.status, "the end of the stream");
    expect(status).toMatchObject({ code: 3, details: expect.stringContaining("is no DeltaDiscoveryRequest") });
  }
});

test("a renewed secret is pushed to the proxies with that identity, on the same stream", async () => {
  const web = await peers.arrive();
  peers.admit();
  const cart = await peers.arrive();
  peers.admit({ serviceAccount: "cart" });
  for (const client of [web, cart]) client.say({ typeUrl: typeUrls.SDS, resourceNamesSubscribe: ["default"] });
  await until(() => [web, cart].every(({ responses }) => responses.length === 1), "both to be served");
  const { identity } = peers.admitted();
  for (const n of [1, 2]) {
    peers.secrets = new Map(["web", "cart"].map((who) => [who, resource("SDS", "default", `${who}-${n}`)]));
    peers.server.push([identity]);
    await until(() => received(web).at(-1) === `default@web-${n}`, "the secret");
  }
  expect(received(web)).toEqual(["a@1", "default@web-1", "default@web-2"]);
  peers.server.push();
  await until(() => received(cart).at(-1) === "default@cart-2", "the secret of the other");
  expect(received(cart)).toEqual(["a@1", "default@cart-2"]);
  expect([peers.server.serves(identity), peers.server.serves({ ...identity, serviceAccount: "nobody" })]).toEqual([
    true,
    false,
  ]);
});
