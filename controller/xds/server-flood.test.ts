import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "../../test/support/wait.ts";
import { typeUrls } from "../model/resource.ts";
import { sidecar, TestClient } from "./test-support/client.ts";
import { Peers } from "./test-support/peers.ts";
import { relayFrom } from "./test-support/relay.ts";

let peers: Peers;
beforeEach(async () => {
  peers = await Peers.start();
});
afterEach(() => peers.close());

describe("a flood from one address", () => {
  let relay: Awaited<ReturnType<typeof relayFrom>>;
  beforeEach(async () => {
    relay = await relayFrom("127.0.0.2", peers.port);
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
    peers.clients.push(...flooding);
    return flooding;
  }

  const names = (): (string | undefined)[] => peers.pending.map(({ request }) => request.proxy.name.slice(0, 3));

  test("leaves room for others: few of it are decided upon at a time, and few a second", async () => {
    const foes = flood(16);
    await until(() => peers.pending.length === 4, "as many as may be decided upon");
    const client = await peers.arrive();
    peers.admit();
    await until(() => client.responses.length === 1, "the other to be served");
    const message = "the token is none";
    for (const { answer } of peers.pending.slice(0, 4)) answer({ code: "UNAUTHENTICATED", message });
    await until(() => foes.filter(({ status }) => status !== undefined).length === 4, "four refusals");
    await peers.arrive({ over: client });
    expect(names()).toEqual(["foe", "foe", "foe", "foe", "web", "web"]);
    peers.clock.advance(1000);
    await until(() => peers.pending.length === 10, "the next four");
    expect(names().slice(6)).toEqual(["foe", "foe", "foe", "foe"]);
  });

  test("frees nothing by leaving while the API server is asked", async () => {
    const foes = flood(8);
    await until(() => peers.pending.length === 4, "as many as may be decided upon");
    for (const { call } of foes) call.cancel();
    flood(1);
    const client = await peers.arrive();
    peers.admit();
    await until(() => client.responses.length === 1, "the other to be served");
    peers.clock.advance(1000);
    await peers.arrive({ over: client });
    expect(names()).toEqual(["foe", "foe", "foe", "foe", "web", "web"]);
  });

  test("is told to come again where too many wait; another address is not", async () => {
    const foes = flood(4 + 256 + 8);
    const refused = (): TestClient[] => foes.filter(({ status }) => status !== undefined);
    await until(() => refused().length === 8, "those that are too many to be refused");
    const details = "too many streams wait to be admitted, in all or from 127.0.0.2: come again later";
    for (const { status } of refused()) expect(status).toMatchObject({ code: 8, details });
    await peers.arrive();
    expect(names()).toEqual(["foe", "foe", "foe", "foe", "web"]);
    expect(peers.log.lines).toEqual([`warn: xDS stream of 127.0.0.2 refused: RESOURCE_EXHAUSTED: ${details}`]);
  });

  test("of connections is cut; another address may connect", async () => {
    const sockets = Array.from({ length: 260 }, () => connectTcp(relay.port, "127.0.0.1"));
    const isClosed = new Set<Socket>();
    for (const socket of sockets) socket.on("close", () => isClosed.add(socket)).resume();
    await until(() => isClosed.size === 4, "those that are too many to be cut");
    await peers.arrive();
    for (const socket of sockets) socket.destroy();
    expect(peers.log.lines).toEqual([
      "warn: xDS connection of 127.0.0.2 refused: it has 256 of 256: 256 of 8192 may be open",
    ]);
  });

  test("of streams that say something else each time writes few lines", async () => {
    for (let round = 0; round < 12; round++) {
      const foes = flood(4);
      await until(() => peers.pending.length === 4 * (round + 1), "all to be asked about");
      for (const { answer } of peers.pending) answer({ code: "UNAUTHENTICATED", message: "the token is none" });
      await until(() => foes.every(({ status }) => status !== undefined), "the refusals");
      peers.clock.advance(1000);
    }
    expect(peers.log.lines).toHaveLength(20);
    const client = await peers.arrive();
    peers.pending.at(-1)?.answer({ code: "PERMISSION_DENIED", message: "no pod" });
    await until(() => client.status, "the refusal of another");
    expect(peers.log.lines.at(-1)).toBe("warn: xDS stream of 127.0.0.1 refused: web-1.shop: PERMISSION_DENIED: no pod");
    peers.clock.advance(10 * 60_000);
    expect(peers.log.lines.slice(21)).toEqual([
      "warn: 28 more warnings like these of 127.0.0.2 since 1970-01-01T00:00:01.000Z",
    ]);
  });
});

test("a connection has no more than eight streams", async () => {
  const session = connectHttp2(`http://127.0.0.1:${peers.port}`);
  await once(session, "remoteSettings");
  expect(session.remoteSettings.maxConcurrentStreams).toBe(8);
  session.destroy();
});
