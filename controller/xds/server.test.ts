import { logVerbosity, setLogVerbosity } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "../../test/support/wait.ts";
import { trusting } from "../ca/admission.ts";
import type { Admit } from "../model/admission.ts";
import { type Resource, typeUrls } from "../model/resource.ts";
import { realClock } from "../ports/clock.ts";
import { TestLog } from "../ports/log.ts";
import type { XdsEvent, XdsOptions } from "./connection.ts";
import { XdsServer } from "./server.ts";
import { sidecar, TestClient } from "./test-support/client.ts";
import { deny, resource, target, type Wish } from "./test-support/harness.ts";

setLogVerbosity(logVerbosity.NONE); // an address that is taken is printed too

let server: XdsServer;
let options: XdsOptions;
let admit: Admit;
let port: number;
let log: TestLog;
let events: XdsEvent[];
let clusters: ReadonlyMap<string, Resource>;
const clients: TestClient[] = [];

beforeEach(async () => {
  log = new TestLog();
  events = [];
  admit = trusting("cluster.local");
  wish({ CDS: "a@1" });
  options = {
    ...{ deny, log, clock: realClock, identifier: "sluice-test", onEvent: (event: XdsEvent) => events.push(event) },
    admit: (request) => admit(request),
    targetFor: () => ({ snapshot: { ...target({}).snapshot, CDS: clusters } }),
  };
  server = new XdsServer(options);
  port = await server.listen("127.0.0.1:0");
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.close();
});

function wish(next: Wish): void {
  clusters = target(next).snapshot.CDS;
}

function connect(): TestClient {
  const client = new TestClient(port);
  clients.push(client);
  return client;
}

function names(client: TestClient): string[] {
  return client.responses.flatMap(({ resources }) => resources.map(({ name, version }) => `${name}@${version}`));
}

test("a proxy connects, is sent what it should have, acknowledges, and is listed", async () => {
  const client = connect();
  client.say({ node: sidecar(), typeUrl: typeUrls.CDS });
  const response = await until(() => client.responses[0], "the first response");
  expect(response).toMatchObject({ typeUrl: typeUrls.CDS, controlPlane: { identifier: "sluice-test" } });
  client.say({ typeUrl: typeUrls.CDS, responseNonce: response.nonce });
  await until(() => server.proxies()[0]?.types.CDS.state === "SYNCED", "the ACK");
  expect(server.proxies()).toMatchObject([{ proxy: { name: "web-1", namespace: "shop" }, connection: 1 }]);
  wish({ CDS: "a@2" });
  server.push();
  await until(() => names(client).join(" ") === "a@1 a@2", "the change");
  client.close();
  await until(() => server.proxies().length === 0, "the proxy to be gone");
  expect(events.map(({ kind }) => kind)).toEqual(["connected", "sent", "acked", "sent", "disconnected"]);
});

test.each([
  { shows: "a node id of another form", request: { node: { id: "web-1" } }, details: 'node.id is "web-1"' },
  { shows: "no node at all", request: {}, details: "the first request of a stream does not begin with a node" },
])("$shows is refused with INVALID_ARGUMENT and the reason", async ({ request, details }) => {
  const client = connect();
  client.say({ ...request, typeUrl: typeUrls.CDS });
  client.say({ node: sidecar(), typeUrl: typeUrls.CDS });
  const status = await until(() => client.status, "the end of the stream");
  expect(status.code).toBe(3);
  expect(status.details).toContain(details);
  expect(server.proxies()).toEqual([]);
  expect(events).toEqual([]);
  expect(log.lines.join()).toContain(details);
});

test("a message of 12 MiB, three times gRPC's default limit, arrives", async () => {
  clusters = new Map([["big", { ...resource("CDS", "big", "1"), body: new Uint8Array(12 << 20) }]]);
  const client = connect();
  client.say({ node: sidecar(), typeUrl: typeUrls.CDS });
  const response = await until(() => client.responses[0], "the response");
  expect(response.resources[0]?.resource?.value).toHaveLength(12 << 20);
});

test("a client that doesn't read is not sent what is outdated when it does", async () => {
  const client = connect();
  client.say({ node: sidecar(), typeUrl: typeUrls.CDS });
  await until(() => client.responses.length === 1, "the first response");
  client.call.pause();
  const pushes = 60;
  for (let push = 1; push <= pushes; push++) {
    clusters = new Map([["a", { ...resource("CDS", "a", `slow-${push}`), body: new Uint8Array(1 << 20) }]]);
    server.push();
    // Let the transport take what it will: each push is handled after the server's sockets had a turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
  client.call.resume();
  await until(() => names(client).at(-1) === `a@slow-${pushes}`, "the newest state");
  expect(client.responses.length).toBeLessThan(pushes / 2);
});

test("two streams of one proxy are two connections, each served", async () => {
  const [first, second] = [connect(), connect()];
  first.say({ node: sidecar(), typeUrl: typeUrls.CDS });
  await until(() => server.proxies().length === 1, "the first");
  second.say({ node: sidecar(), typeUrl: typeUrls.CDS });
  await until(() => server.proxies().length === 2, "the second");
  expect(server.proxies().map(({ connection }) => connection)).toEqual([1, 2]);
  first.close();
  await until(() => server.proxies().length === 1, "the first to be gone");
  expect(server.proxies().map(({ connection }) => connection)).toEqual([2]);
});

test("close ends the streams with OK after what was written for them", async () => {
  const client = connect();
  client.say({ node: sidecar(), typeUrl: typeUrls.CDS });
  await until(() => client.responses.length === 1, "the first response");
  wish({ CDS: "a@2" });
  server.push();
  await server.close();
  const status = await until(() => client.status, "the end of the stream");
  expect(status.code).toBe(0);
  expect(names(client)).toEqual(["a@1", "a@2"]);
});

test("an address that is taken is an error that names it", async () => {
  await expect(new XdsServer(options).listen(`127.0.0.1:${port}`)).rejects.toThrow(
    `xDS cannot listen on 127.0.0.1:${port}`,
  );
});
