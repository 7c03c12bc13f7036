import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Authority, type Issuer } from "../../controller/ca/authority.ts";
import { type Resource, typeUrls } from "../../controller/model/resource.ts";
import { clientMutualTls, serverTls } from "../../controller/translate/tls.ts";
import { TestClient } from "../../controller/xds/test-support/client.ts";
import { testIssuer } from "../support/authority.ts";
import { freePort } from "../support/envoy.ts";
import { call, startLoad, tally } from "../support/http.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { until } from "../support/wait.ts";
import {
  foreignToken,
  nodeOf,
  SecureControl,
  type SecureEnvoy,
  startSecureEnvoy,
  tokenOf,
} from "./identity-fixture.ts";
import { cluster, endpoints, filter, listener, route, slot } from "./xds-fixture.ts";

// Two real Envoys, `web` and `cart`, that speak mutual TLS with the secrets of a real control plane.

/** Life of the workloads' certificates: each is renewed after half of it. */
const ttlMs = 4000;
/** Longer than any outage here: also a proxy that takes its time to come back has a certificate meanwhile. */
const lastingMs = 3_600_000;

const ip = "127.0.0.1";
let former: Issuer;
let authority: Authority;
let app: Upstream;
let ports: { web: number; cart: number };
let resources: ReadonlyMap<string, readonly Resource[]>;
let control: SecureControl;
let web: SecureEnvoy;
let cart: SecureEnvoy;

beforeAll(async () => {
  former = await testIssuer();
  authority = new Authority(former);
  app = await startUpstream(
    (request, response) => void response.end(String(request.headers["x-forwarded-client-cert"])),
  );
  ports = { web: await freePort(), cart: await freePort() };
  const names = ["spiffe://cluster.local/ns/shop/sa/cart"];
  const mutual = clientMutualTls({ sni: "cart", names, trustDomain: "cluster.local", http: "http/1.1" });
  const common = [route("80", "next"), filter(slot, "any")];
  resources = new Map([
    [
      "web",
      [
        ...[cluster("next", { transportSocket: mutual, requestsPerConnection: 5 }), endpoints("next", [ports.cart])],
        ...[listener(ports.web, "80"), ...common],
      ],
    ],
    [
      "cart",
      [
        ...[cluster("next"), endpoints("next", [app.port])],
        ...[listener(ports.cart, "80", serverTls("cluster.local", { isHttp: true })), ...common],
      ],
    ],
  ]);
  control = await SecureControl.start({ authority, ttlMs, resources });
  const start = async (pod: string): Promise<SecureEnvoy> =>
    startSecureEnvoy(pod, { port: control.port, roots: authority.roots, token: await tokenOf(pod) });
  [web, cart] = [await start("web"), await start("cart")];
  await Promise.all([web.live(), cart.live()]);
});

afterAll(async () => {
  await web?.stop();
  await cart?.stop();
  await control?.stop();
  await app?.stop();
});

/** Serial number of the certificate that `cart` shows now. */
async function serial(): Promise<string> {
  return (await shown()).serialNumber;
}

async function shown(): Promise<X509Certificate> {
  const identity = { trustDomain: "cluster.local", namespace: "shop", serviceAccount: "probe" };
  const { chain, key } = await authority.issue({ identity }, { nowMs: Date.now(), ttlMs: 60_000 });
  const socket = connect({
    host: ip,
    port: ports.cart,
    cert: chain,
    key: key.reveal(),
    ca: authority.roots,
    servername: "",
    checkServerIdentity: () => undefined,
  });
  await once(socket, "secureConnect");
  const certificate = socket.getPeerX509Certificate();
  socket.destroy();
  if (certificate === undefined) throw new Error("cart shows no certificate");
  expect(certificate.subjectAltName).toBe("URI:spiffe://cluster.local/ns/shop/sa/cart");
  return certificate;
}

/** From `web` to `cart`, since the start; each with a handshake. */
async function connectionsMade(): Promise<number> {
  const total = /^next::.*::cx_total::(\d+)$/m.exec(await web.get("/clusters"))?.[1];
  return Number(total);
}

test("each proxy gets its own certificate, and they speak mutual TLS with them", async () => {
  const reply = await call({ host: ip, port: ports.web });
  expect(reply.status).toBe(200);
  expect(await cart.stat("sds.default.update_rejected")).toBe(0);
  expect(await serial()).not.toBe("");
});

test("certificates of four seconds are renewed under load: no failed request, no refusal, nothing else sent", async () => {
  const from = control.events.length;
  const serials = new Set([await serial()]);
  const connections = await connectionsMade();
  const load = startLoad({ host: ip, port: ports.web, connections: 4 });
  await until(async () => serials.add(await serial()).size > 4, "the fifth certificate");
  const { replies, broken } = await load.stop();
  expect(broken).toEqual([]);
  expect(tally(replies, ({ status }) => status)).toEqual({ "200": replies.length });
  expect(await connectionsMade()).toBeGreaterThan(connections + 20);
  expect(new Set([...control.sent("web", from), ...control.sent("cart", from)])).toEqual(new Set(["SDS default"]));
  expect(control.events.filter(({ kind }) => kind === "nacked")).toEqual([]);
});

test("when the control plane comes back, only secrets are sent, and no request fails", async () => {
  const comesBack = async (): Promise<void> => {
    control = await SecureControl.start({ authority, ttlMs: lastingMs, resources, port: control.port });
    const has = (pod: string): boolean => control.sent(pod).includes("SDS default");
    await until(() => has("web") && has("cart"), "new certificates");
  };
  await control.stop();
  await comesBack();
  const load = startLoad({ host: ip, port: ports.web, connections: 4 });
  const before = load.count();
  await control.stop();
  await until(() => load.count() > before + 50, "requests without a control plane");
  await comesBack();
  const { replies, broken } = await load.stop();
  expect(broken).toEqual([]);
  expect(tally(replies, ({ status }) => status)).toEqual({ "200": replies.length });
  expect(new Set([...control.sent("web"), ...control.sent("cart")])).toEqual(new Set(["SDS default"]));
});

test("a stream ends before its token does; the proxy returns with the next one, and nothing is sent again", async () => {
  await web.bring(await tokenOf("web", { expiresAtMs: Date.now() + 15_000 }));
  await control.stop();
  control = await SecureControl.start({ authority, ttlMs: lastingMs, resources, port: control.port });
  const connections = (): number[] =>
    control.events.flatMap((event) =>
      event.kind === "connected" && event.proxy.name === "web" ? [event.connection] : [],
    );
  await until(() => connections().length === 1, "the stream of the short token");
  await web.bring(await tokenOf("web"));
  await until(() => control.sent("web").length > 0, "its certificate");
  await until(() => connections().length === 2, "the stream of the next token");
  const second = connections()[1];
  const all = await until(() => {
    const state = control.xds.proxies().find(({ connection }) => connection === second);
    return state !== undefined && Object.values(state.types).every(({ delivered }) => delivered.length > 0) && state;
  }, "all types to be asked for");
  expect(all.types.SDS.state).toBe("SYNCED");
  expect(control.events.filter(({ connection, kind }) => connection === second && kind === "sent")).toEqual([]);
});

test("with a new root beside the former one, the proxies come back and speak with certificates of the new one", async () => {
  const young = await testIssuer();
  await control.stop();
  authority = new Authority(young, former);
  control = await SecureControl.start({ authority, ttlMs: lastingMs, resources, port: control.port });
  const has = (pod: string): boolean =>
    ["SDS default", "SDS ROOTCA"].every((secret) => control.sent(pod).includes(secret));
  await until(() => has("web") && has("cart"), "new certificates and roots");
  await until(async () => (await shown()).verify(new X509Certificate(young.roots).publicKey), "one of the new root");
  const connections = await connectionsMade();
  await until(async () => {
    expect((await call({ host: ip, port: ports.web })).status).toBe(200);
    return (await connectionsMade()) > connections;
  }, "a new connection from web to cart");
});

test.each<[string, () => Promise<string> | undefined, number, string]>([
  ["no token", () => undefined, 16, "no token: expected metadata `authorization: Bearer <token>`"],
  [
    "the token of another pod",
    () => tokenOf("cart"),
    7,
    "the token is that of pod cart.shop, but node.id says web.shop",
  ],
  [
    "an expired token",
    () => tokenOf("web", { nowMs: 0, expiresAtMs: Date.UTC(2020, 0) }),
    16,
    "the token expired on 2020-01-01T00:00:00.000Z",
  ],
  ["a token for someone else", () => foreignToken("vault"), 16, 'the token is for "vault": expected istio-ca'],
])("with %s there is a status and nothing else", async (_, make, code, details) => {
  const token = await make();
  const client = new TestClient(control.port, { roots: authority.roots, ...(token !== undefined && { token }) });
  client.say({ node: nodeOf("web"), typeUrl: typeUrls.SDS, resourceNamesSubscribe: ["default"] });
  expect(await until(() => client.status, "the end of the stream")).toMatchObject({ code, details });
  expect(client.responses).toEqual([]);
  client.close();
});

test("with a good token, another's secret ends the stream, before anything of it is sent", async () => {
  const client = new TestClient(control.port, { roots: authority.roots, token: await tokenOf("web") });
  const names = ["default", "spiffe://cluster.local/ns/shop/sa/cart"];
  client.say({ node: nodeOf("web"), typeUrl: typeUrls.SDS, resourceNamesSubscribe: names });
  const status = await until(() => client.status, "the end of the stream");
  expect(status).toMatchObject({ code: 7, details: expect.stringContaining("it may ask for default and ROOTCA") });
  expect(client.responses).toEqual([]);
  client.close();
});
