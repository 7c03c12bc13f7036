import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "../../test/support/wait.ts";
import { Authority } from "../ca/authority.ts";
import { readRoot } from "../ca/read-root.ts";
import { party } from "../ca/test-support/pki.ts";
import type { AdmissionRefusal, AdmissionRequest, Admitted } from "../model/admission.ts";
import { type Certificate, PrivateKey } from "../model/certificate.ts";
import { type Resource, typeUrls } from "../model/resource.ts";
import { TestClock } from "../ports/clock.ts";
import { TestLog } from "../ports/log.ts";
import type { XdsEvent } from "./connection.ts";
import { XdsServer } from "./server.ts";
import { sidecar, TestClient, type TestClientOptions } from "./test-support/client.ts";
import { deny, resource, target } from "./test-support/harness.ts";
import { relayFrom } from "./test-support/relay.ts";

let clock: TestClock;
let log: TestLog;
let events: XdsEvent[];
/** What is asked of admission, and how each is answered. */
let pending: { request: AdmissionRequest; answer: (outcome: Admitted | AdmissionRefusal) => void }[];
/** By service account. */
let secrets: Map<string, Resource>;
let server: XdsServer;
let port: number;
const clients: TestClient[] = [];

beforeEach(async () => {
  clock = new TestClock(1000);
  log = new TestLog();
  events = [];
  pending = [];
  secrets = new Map();
  server = new XdsServer({
    admit: (request) => new Promise((answer) => pending.push({ request, answer })),
    targetFor: (_, { serviceAccount }) => {
      const { snapshot } = target({ CDS: "a@1", LDS: "l@1" });
      const secret = secrets.get(serviceAccount);
      return { snapshot: { ...snapshot, SDS: new Map(secret && [["default", secret]]) } };
    },
    onEvent: (event) => events.push(event),
    ...{ deny, clock, log, identifier: "sluice-test" },
  });
  port = await server.listen("127.0.0.1:0");
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.close();
});

/** A proxy that has sent its first request, which waits to be admitted. */
async function arrive(options: TestClientOptions = {}): Promise<TestClient> {
  const client = new TestClient(port, options);
  clients.push(client);
  const before = pending.length;
  client.say({ node: sidecar(), typeUrl: typeUrls.CDS });
  await until(() => pending.length > before, "the proxy to be asked about");
  return client;
}

function admitted({
  serviceAccount = "web",
  untilMs = Number.POSITIVE_INFINITY,
  isStanding = (): boolean => true,
} = {}): Admitted {
  const { proxy } = pending.at(-1)?.request ?? {};
  if (proxy === undefined) throw new Error("nobody has arrived");
  const identity = { trustDomain: "cluster.local", namespace: "shop", serviceAccount };
  return { proxy: { ...proxy, serviceAccount }, identity, untilMs, isStanding };
}

/** Lets the proxy in that came last. */
function admit(as: Parameters<typeof admitted>[0] = {}): void {
  pending.at(-1)?.answer(admitted(as));
}

function received(client: TestClient): string[] {
  return client.responses.flatMap(({ resources }) => resources.map(({ name, version }) => `${name}@${version}`));
}

test("what a proxy says before it is admitted waits, in order; it is served as who it was found to be", async () => {
  secrets.set("web", resource("SDS", "default", "web-1"));
  const client = await arrive({ token: "t" });
  client.say({ typeUrl: typeUrls.LDS });
  client.say({ typeUrl: typeUrls.SDS, resourceNamesSubscribe: ["default"] });
  expect(pending).toMatchObject([{ request: { token: "t", proxy: { name: "web-1", serviceAccount: "" } } }]);
  expect([client.responses, server.proxies(), events]).toEqual([[], [], []]);
  admit();
  await until(() => client.responses.length === 3, "all answers");
  expect(received(client)).toEqual(["a@1", "l@1", "default@web-1"]);
  expect(server.proxies()).toMatchObject([{ proxy: { serviceAccount: "web" }, identity: { serviceAccount: "web" } }]);
  expect(pending).toHaveLength(1);
});

test.each([
  { code: "UNAUTHENTICATED", number: 16, message: "the token expired on 2026-11-23T12:00:00.000Z" },
  { code: "PERMISSION_DENIED", number: 7, message: "the token is that of pod a.shop, but node.id says web-1.shop" },
  { code: "UNAVAILABLE", number: 14, message: "pod web-1.shop is not known yet" },
] as const)("who is not admitted gets $code, its reason and nothing else", async ({ code, number, message }) => {
  for (const _ of [1, 2, 3]) {
    const client = await arrive();
    client.say({ typeUrl: typeUrls.SDS, resourceNamesSubscribe: ["default"] });
    pending.at(-1)?.answer({ code, message });
    const status = await until(() => client.status, "the end of the stream");
    expect(status).toMatchObject({ code: number, details: message });
    expect(client.responses).toEqual([]);
  }
  expect(events).toEqual([]);
  expect(log.lines).toEqual([`warn: xDS stream of 127.0.0.1 refused: web-1.shop: ${code}: ${message}`]);
});

test("a fault in the decision is logged, and the proxy is asked to come again", async () => {
  const client = await arrive();
  pending.at(-1)?.answer(Promise.reject(new Error("no such mesh")) as never);
  const status = await until(() => client.status, "the end of the stream");
  expect(status).toMatchObject({ code: 14, details: "internal error" });
  expect(log.lines[0]).toContain("web-1.shop: UNAVAILABLE: internal error: Error: no such mesh");
});

test("who asks for another's secret gets PERMISSION_DENIED, and the stream is over", async () => {
  secrets.set("web", resource("SDS", "default", "web-1"));
  const client = await arrive();
  admit();
  await until(() => client.responses.length === 1, "the first answer");
  client.say({ typeUrl: typeUrls.SDS, resourceNamesSubscribe: ["spiffe://cluster.local/ns/shop/sa/cart"] });
  const status = await until(() => client.status, "the end of the stream");
  expect(status.code).toBe(7);
  expect(status.details).toContain('secret "spiffe://cluster.local/ns/shop/sa/cart" is not this proxy\'s');
  expect(client.responses).toHaveLength(1);
  expect(server.proxies()).toEqual([]);
});

test("a stream ends with OK when the proof of its proxy does", async () => {
  const client = await arrive();
  admit({ untilMs: clock.nowMs() + 60_000 });
  await until(() => client.responses.length === 1, "the first answer");
  clock.advance(59_999);
  server.push();
  expect(server.proxies()).toHaveLength(1);
  clock.advance(1);
  expect(server.proxies()).toEqual([]);
  server.push();
  client.say({ typeUrl: typeUrls.LDS });
  const status = await until(() => client.status, "the end of the stream");
  expect(status.code).toBe(0);
  expect(received(client)).toEqual(["a@1"]);
});

test("a stream ends a minute after its pod, even where that goes while it is decided upon", async () => {
  let stands = true;
  const early = await arrive();
  admit({ isStanding: () => stands });
  await until(() => early.responses.length === 1, "the first answer");
  stands = false;
  server.push();
  const late = await arrive();
  admit({ isStanding: () => stands });
  await until(() => late.responses.length === 1, "the first answer");
  clock.advance(60_000);
  expect(server.proxies()).toEqual([]);
  for (const client of [early, late]) {
    const status = await until(() => client.status, "the end of the stream");
    expect(status).toMatchObject({ code: 7, details: "pod web-1.shop is gone" });
  }
});

test("who leaves while it is decided upon is not connected", async () => {
  const gone = await arrive();
  const [decision] = pending;
  gone.call.cancel();
  const next = await arrive({ over: gone });
  decision?.answer(admitted());
  admit();
  await until(() => next.responses.length === 1, "the next to be served");
  expect(events.map(({ kind, connection }) => `${kind} ${connection}`)).toEqual(["connected 1", "sent 1"]);
});

test("who does not say in time whose stream it is, is let go", async () => {
  const silent = new TestClient(port);
  clients.push(silent);
  const other = await arrive({ over: silent });
  clock.advance(5000);
  expect(await until(() => silent.status, "the end of the stream")).toMatchObject({ code: 16 });
  admit();
  await until(() => other.responses.length === 1, "the other to be served");
});

test("of the much that a peer may say of itself, little is told", async () => {
  const client = new TestClient(port);
  clients.push(client);
  client.say({ node: { id: `web-1\n${"x".repeat(16_000)}` } });
  const status = await until(() => client.status, "the end of the stream");
  expect(status).toMatchObject({ code: 3, details: expect.stringMatching(/^node\.id is "web-1.{900,1000}…$/) });
  expect(log.lines.join("\n")).toMatch(/^warn: .{1000}$/);
});

test("what is no request ends the stream, as the first and later", async () => {
  const [first, later] = [new TestClient(port), await arrive()];
  clients.push(first);
  admit();
  await until(() => later.responses.length === 1, "the first answer");
  for (const client of [first, later]) {
    client.sayBytes(Buffer.from([0x0a, 0xff]));
    const status = await until(() => client.status, "the end of the stream");
    expect(status).toMatchObject({ code: 3, details: expect.stringContaining("is no DeltaDiscoveryRequest") });
  }
});

test("a renewed secret is pushed to the proxies with that identity, on the same stream", async () => {
  const web = await arrive();
  admit();
  const cart = await arrive();
  admit({ serviceAccount: "cart" });
  for (const client of [web, cart]) client.say({ typeUrl: typeUrls.SDS, resourceNamesSubscribe: ["default"] });
  await until(() => [web, cart].every(({ responses }) => responses.length === 1), "both to be served");
  const { identity } = admitted();
  for (const n of [1, 2]) {
    secrets = new Map(["web", "cart"].map((who) => [who, resource("SDS", "default", `${who}-${n}`)]));
    server.push([identity]);
    await until(() => received(web).at(-1) === `default@web-${n}`, "the secret");
  }
  expect(received(web)).toEqual(["a@1", "default@web-1", "default@web-2"]);
  server.push();
  await until(() => received(cart).at(-1) === "default@cart-2", "the secret of the other");
  expect(received(cart)).toEqual(["a@1", "default@cart-2"]);
  expect([server.serves(identity), server.serves({ ...identity, serviceAccount: "nobody" })]).toEqual([true, false]);
});

describe("a flood from one address", () => {
  let relay: Awaited<ReturnType<typeof relayFrom>>;
  beforeEach(async () => {
    relay = await relayFrom("127.0.0.2", port);
  });
  afterEach(() => relay.close());

  let foes = 0;

  /** Streams of it, eight on each connection, each of which says that it is someone else. */
  function flood(count: number): TestClient[] {
    const flooding: TestClient[] = [];
    for (let n = 0; n < count; n++) {
      const over = n % 8 === 0 ? undefined : flooding.at(-1);
      const client = new TestClient(relay.port, { token: "rubbish", ...(over && { over }) });
      client.say({ node: sidecar(`foe-${foes++}`), typeUrl: typeUrls.CDS });
      flooding.push(client);
    }
    clients.push(...flooding);
    return flooding;
  }

  const names = (): (string | undefined)[] => pending.map(({ request }) => request.proxy.name.slice(0, 3));

  test("leaves room for others: few of it are decided upon at a time, and few a second", async () => {
    const foes = flood(16);
    await until(() => pending.length === 4, "as many as may be decided upon");
    const client = await arrive();
    admit();
    await until(() => client.responses.length === 1, "the other to be served");
    const message = "the token is none";
    for (const { answer } of pending.slice(0, 4)) answer({ code: "UNAUTHENTICATED", message });
    await until(() => foes.filter(({ status }) => status !== undefined).length === 4, "four refusals");
    await arrive({ over: client });
    expect(names()).toEqual(["foe", "foe", "foe", "foe", "web", "web"]);
    clock.advance(1000);
    await until(() => pending.length === 10, "the next four");
    expect(names().slice(6)).toEqual(["foe", "foe", "foe", "foe"]);
  });

  test("frees nothing by leaving while the API server is asked", async () => {
    const foes = flood(8);
    await until(() => pending.length === 4, "as many as may be decided upon");
    for (const { call } of foes) call.cancel();
    flood(1);
    const client = await arrive();
    admit();
    await until(() => client.responses.length === 1, "the other to be served");
    clock.advance(1000);
    await arrive({ over: client });
    expect(names()).toEqual(["foe", "foe", "foe", "foe", "web", "web"]);
  });

  test("is told to come again where too many wait; another address is not", async () => {
    const foes = flood(4 + 256 + 8);
    const refused = (): TestClient[] => foes.filter(({ status }) => status !== undefined);
    await until(() => refused().length === 8, "those that are too many to be refused");
    const details = "too many streams wait to be admitted, in all or from 127.0.0.2: come again later";
    for (const { status } of refused()) expect(status).toMatchObject({ code: 8, details });
    await arrive();
    expect(names()).toEqual(["foe", "foe", "foe", "foe", "web"]);
    expect(log.lines).toEqual([`warn: xDS stream of 127.0.0.2 refused: RESOURCE_EXHAUSTED: ${details}`]);
  });

  test("of connections is cut; another address may connect", async () => {
    const sockets = Array.from({ length: 260 }, () => connectTcp(relay.port, "127.0.0.1"));
    const isClosed = new Set<Socket>();
    for (const socket of sockets) socket.on("close", () => isClosed.add(socket)).resume();
    await until(() => isClosed.size === 4, "those that are too many to be cut");
    await arrive();
    for (const socket of sockets) socket.destroy();
    expect(log.lines).toEqual([
      "warn: xDS connection of 127.0.0.2 refused: it has 256 of 256: 256 of 8192 may be open",
    ]);
  });

  test("of streams that say something else each time writes few lines", async () => {
    for (let round = 0; round < 12; round++) {
      const foes = flood(4);
      await until(() => pending.length === 4 * (round + 1), "all to be asked about");
      for (const { answer } of pending) answer({ code: "UNAUTHENTICATED", message: "the token is none" });
      await until(() => foes.every(({ status }) => status !== undefined), "the refusals");
      clock.advance(1000);
    }
    expect(log.lines).toHaveLength(20);
    const client = await arrive();
    pending.at(-1)?.answer({ code: "PERMISSION_DENIED", message: "no pod" });
    await until(() => client.status, "the refusal of another");
    expect(log.lines.at(-1)).toBe("warn: xDS stream of 127.0.0.1 refused: web-1.shop: PERMISSION_DENIED: no pod");
    clock.advance(10 * 60_000);
    expect(log.lines.slice(21)).toEqual([
      "warn: 28 more warnings like these of 127.0.0.2 since 1970-01-01T00:00:01.000Z",
    ]);
  });
});

test("a connection has no more than eight streams", async () => {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  await once(session, "remoteSettings");
  expect(session.remoteSettings.maxConcurrentStreams).toBe(8);
  session.destroy();
});

describe("with TLS", () => {
  let authority: Authority;
  let certificate: Certificate;
  let listeners: (() => void)[];

  const issue = (): Promise<Certificate> =>
    authority.issue({ hosts: ["127.0.0.1"] }, { nowMs: Date.now(), ttlMs: 3_600_000 });

  beforeEach(async () => {
    const root = await party("root");
    const stored = { origin: "test", caCert: root.certificate, caKey: new PrivateKey(root.key) };
    const read = await readRoot(stored, Date.now());
    if ("problems" in read) throw new Error(read.problems.join());
    authority = new Authority(read.issuer);
    certificate = await issue();
    listeners = [];
    const serving = {
      get current() {
        return certificate;
      },
      onChange: (listener: () => void) => {
        listeners.push(listener);
        return () => undefined;
      },
    };
    port = await server.listen("127.0.0.1:0", serving);
  });

  /** The serial number that the server shows, or how it refuses. */
  async function handshake(options: ConnectionOptions = {}): Promise<string> {
    const socket = connectTls({
      host: "127.0.0.1",
      port,
      ca: authority.roots,
      servername: "",
      ALPNProtocols: ["h2"],
      ...options,
    });
    const seen = await once(socket, "secureConnect").then(
      () => socket.getPeerX509Certificate()?.serialNumber ?? "none",
      (error: NodeJS.ErrnoException) => error.code ?? error.message,
    );
    socket.destroy();
    return seen;
  }

  test("a proxy that believes in the root is served; a renewal ends no stream, and counts for the next", async () => {
    const client = await arrive({ roots: authority.roots, token: "t" });
    admit();
    await until(() => client.responses.length === 1, "the first answer");
    const first = await handshake();
    certificate = await issue();
    for (const listener of listeners) listener();
    const second = await handshake();
    expect(second).not.toBe(first);
    expect(second).toBe(new X509Certificate(certificate.chain).serialNumber);
    client.say({ typeUrl: typeUrls.LDS });
    await until(() => received(client).includes("l@1"), "an answer on the old stream");
    const next = await arrive({ roots: authority.roots });
    admit();
    await until(() => next.responses.length === 1, "the next stream to be served");
  });

  test("plaintext and TLS 1.1 are refused", async () => {
    expect(await handshake({ maxVersion: "TLSv1.1", minVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" })).toContain(
      "PROTOCOL_VERSION",
    );
    const plain = new TestClient(port);
    clients.push(plain);
    plain.say({ node: sidecar(), typeUrl: typeUrls.CDS });
    expect((await until(() => plain.status, "the refusal")).code).toBe(14);
    expect(pending).toEqual([]);
  });
});
