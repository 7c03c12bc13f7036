import { execPath } from "node:process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as model from "../../controller/translate/test-support/model.ts";
import { testAuthority } from "../support/authority.ts";
import { builtModule } from "../support/built-module.ts";
import { networkObstacle, podAddress } from "../support/pod-network.ts";
import { samples } from "../support/prometheus.ts";
import { ports, type RedirectedShop, redirectedShop, shopMesh } from "../support/redirected-shop.ts";

// Redirected traffic and mutual TLS between two real Envoys in network namespaces: what of a call arrives, and how.

const obstacle = networkObstacle();
if (obstacle !== undefined) console.log(`interception is not tested: ${obstacle}`);

const service = "10.96.0.1";
const ids = { web: "spiffe://cluster.local/ns/shop/sa/web", catalog: "spiffe://cluster.local/ns/shop/sa/catalog" };

/** User ids in web's pod: the application, whose calls are redirected, and one whose calls are not: a client without proxy. */
const users = { sidecar: 1000, "no sidecar": 1337 } as const;
type Way = keyof typeof users;

let shop: RedirectedShop;

/** Prints `{ status, headers, body }` of a GET or `{ error }`. */
const get = `
const [url, host, headers, tls] = process.argv.slice(1);
const { request, Agent } = require(tls ? "node:https" : "node:http");
const options = tls ? { ...JSON.parse(tls), rejectUnauthorized: false, agent: new Agent({ ALPNProtocols: JSON.parse(tls).ALPNProtocols }) } : {};
request(url, { ...options, headers: { host, ...JSON.parse(headers || "{}") } }, (response) => {
  let body = "";
  response.on("data", (text) => { body += text; }).on("end", () => console.log(JSON.stringify({ status: response.statusCode, headers: response.headers, body })));
}).on("error", ({ code }) => console.log(JSON.stringify({ error: code }))).end();`;

/** Makes so many requests on connections that are kept, and prints how many had each status or error. */
const load = `
const [url, host, count] = process.argv.slice(1);
const { get, Agent } = require("node:http");
const agent = new Agent({ keepAlive: true, maxSockets: 4 });
const outcomes = {};
let left = Number(count);
const done = (outcome) => {
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  if (left-- > 0) next();
  else if (Object.values(outcomes).reduce((a, b) => a + b) === Number(count) + 4) { console.log(JSON.stringify(outcomes)); agent.destroy(); }
};
const next = () => get(url, { headers: { host }, agent }, (response) => response.resume().on("end", () => done(response.statusCode))).on("error", ({ code }) => done(code));
for (let i = 0; i < 4; i++) next();`;

/** Prints what comes on a connection, to which it sends what it is given. */
const talk = `
const [host, port, text] = process.argv.slice(1);
const socket = require("node:net").connect({ host, port: Number(port) }, () => text && socket.write(text));
let answer = "";
socket.on("data", (data) => { answer += data; }).on("error", ({ code }) => { answer += code; }).on("close", () => console.log(answer));`;

interface Answer {
  readonly status?: number;
  readonly error?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What reached the application. */
  readonly seen?: { readonly port: number; readonly from: string; readonly headers: Readonly<Record<string, string>> };
}

async function http(
  way: Way,
  url: string,
  more: { host?: string; headers?: object; tls?: object } = {},
): Promise<Answer> {
  const { host = new URL(url).host, headers = {}, tls } = more;
  const args = [url, host, JSON.stringify(headers), tls ? JSON.stringify(tls) : ""];
  const text = await shop.network.exec("outside", [execPath, "-e", get, "--", ...args], users[way]);
  const { body, ...answer } = JSON.parse(text);
  return { ...answer, ...(body?.startsWith("{") ? { seen: JSON.parse(body) } : {}) };
}

async function tcp(way: Way, host: string, port: number, text = ""): Promise<string> {
  return (
    await shop.network.exec("outside", [execPath, "-e", talk, "--", host, String(port), text], users[way])
  ).trim();
}

describe.skipIf(obstacle !== undefined)("two pods", () => {
  beforeAll(async () => {
    const hello = await builtModule("hello", ["downstream"]);
    const telemetry = await builtModule("telemetry", ["downstream", "upstream"]);
    const plugins = [
      model.plugin("out", { module: hello, match: [{ mode: "CLIENT", ports: [80] }], selector: { app: "web" } }),
      model.plugin("in", { module: hello, match: [{ mode: "SERVER", ports: [8082] }], selector: { app: "catalog" } }),
    ];
    shop = await redirectedShop(shopMesh(plugins, telemetry));
  });

  afterAll(() => shop?.stop());

  const direct = `http://${podAddress}`;
  test.each`
    way             | url                                      | host         | outcome         | peer
    ${"sidecar"}    | ${`http://${service}:80/`}               | ${"catalog"} | ${8080}         | ${ids.web}
    ${"sidecar"}    | ${`http://${service}:81/`}               | ${"catalog"} | ${8081}         | ${ids.web}
    ${"sidecar"}    | ${`http://${service}:82/`}               | ${"catalog"} | ${8082}         | ${undefined}
    ${"sidecar"}    | ${`${direct}:${ports.http.permissive}/`} | ${"unknown"} | ${8080}         | ${undefined}
    ${"sidecar"}    | ${`${direct}:${ports.http.unknown}/`}    | ${"unknown"} | ${9999}         | ${undefined}
    ${"no sidecar"} | ${`${direct}:${ports.http.permissive}/`} | ${"catalog"} | ${8080}         | ${undefined}
    ${"no sidecar"} | ${`${direct}:${ports.http.strict}/`}     | ${"catalog"} | ${"ECONNRESET"} | ${undefined}
    ${"no sidecar"} | ${`${direct}:${ports.http.disable}/`}    | ${"catalog"} | ${8082}         | ${undefined}
    ${"no sidecar"} | ${`${direct}:${ports.http.unknown}/`}    | ${"catalog"} | ${9999}         | ${undefined}
  `("HTTP from $way to $url: $outcome, as $peer", async ({ way, url, host, outcome, peer }) => {
    const { seen, error } = await http(way, url, { host, headers: { "x-forwarded-client-cert": "URI=forged" } });
    expect(seen?.port ?? error).toBe(outcome);
    const xfcc = seen?.headers["x-forwarded-client-cert"];
    const isFiltered = outcome !== ports.http.unknown; // a port that no service has is passed on as it is
    if (seen && isFiltered) expect(xfcc?.match(/URI=([^;,]*)/)?.[1]).toBe(peer);
    if (seen) expect(seen.from).toMatch(/127\.0\.0\.6$/);
  });

  test.each`
    port  | header
    ${80} | ${"from sluice"}
    ${81} | ${undefined}
    ${82} | ${"from sluice"}
  `("a plugin for the caller's port 80, and one for the server's 8082: on $port $header", async ({ port, header }) => {
    const { headers } = await http("sidecar", `http://${service}:${port}/`, { host: "catalog" });
    expect(headers?.["x-hello"]).toBe(header);
  });

  test.each`
    way             | host           | port                       | text          | told
    ${"sidecar"}    | ${service}     | ${ports.echo}              | ${"hi there"} | ${/^echo hi there$/}
    ${"sidecar"}    | ${podAddress}  | ${ports.echo}              | ${"hi there"} | ${/^echo hi there$/}
    ${"no sidecar"} | ${podAddress}  | ${ports.echo}              | ${"hi there"} | ${/^echo hi there$/}
    ${"sidecar"}    | ${service}     | ${ports.banner.permissive} | ${""}         | ${/^hello from 9001$/}
    ${"sidecar"}    | ${service}     | ${ports.banner.strict}     | ${""}         | ${/^hello from 9002$/}
    ${"sidecar"}    | ${service}     | ${ports.banner.disable}    | ${""}         | ${/^hello from 9003$/}
    ${"no sidecar"} | ${podAddress}  | ${ports.banner.permissive} | ${""}         | ${/^hello from 9001$/}
    ${"no sidecar"} | ${podAddress}  | ${ports.banner.strict}     | ${"hi there"} | ${/^(?!.*hello)/s}
    ${"no sidecar"} | ${podAddress}  | ${ports.banner.disable}    | ${""}         | ${/^hello from 9003$/}
    ${"sidecar"}    | ${"127.0.0.1"} | ${15001}                   | ${"hi there"} | ${/^(ECONNRESET)?$/}
    ${"no sidecar"} | ${podAddress}  | ${15006}                   | ${"hi there"} | ${/^(ECONNRESET)?$/}
  `("TCP from $way to $host:$port: $told", async ({ way, host, port, text, told }) => {
    expect(await tcp(way, host, port, text)).toMatch(told);
  });

  test("calls by the service's address and by the pods' of a headless one are encrypted", async () => {
    const handshakes = () => shop.catalog.stat("listener.0.0.0.0_15006.ssl.handshake");
    for (const host of [service, podAddress]) {
      const before = await handshakes();
      await tcp("sidecar", host, ports.echo, "hi there");
      expect(await handshakes(), host).toBe(before + 1);
    }
  });

  test("connections end before their certificates do, and no request with them", async () => {
    const ended = () => shop.catalog.stat("http.inbound_0.0.0.0_8080.downstream_cx_max_duration_reached");
    const before = await ended();
    const outcomes: Record<string, number>[] = [];
    do {
      const args = [`http://${service}:80/`, "catalog", "500"];
      outcomes.push(
        JSON.parse(await shop.network.exec("outside", [execPath, "-e", load, "--", ...args], users.sidecar)),
      );
    } while ((await ended()) < before + 12);
    expect([...new Set(outcomes.flatMap((one) => Object.keys(one)))]).toEqual(["200"]);
  });

  interface Caller {
    readonly domain?: string;
    readonly authority?: "another";
    readonly alpn?: readonly string[];
  }

  /** Client certificate and protocols of a caller without proxy. */
  async function credentials({ domain, authority, alpn = ["istio", "http/1.1"] }: Caller): Promise<object> {
    const issuer = authority === "another" ? await testAuthority() : shop.authority;
    if (domain === undefined) return { ALPNProtocols: alpn };
    const identity = { trustDomain: domain, namespace: "shop", serviceAccount: "web" };
    const { chain, key } = await issuer.issue({ identity }, { nowMs: Date.now(), ttlMs: 600_000 });
    return { ALPNProtocols: alpn, cert: chain, key: key.reveal() };
  }

  test.each`
    caller                                               | outcome
    ${{ domain: "cluster.local" }}                       | ${200}
    ${{ domain: "other.example" }}                       | ${/^ERR_SSL|ECONNRESET/}
    ${{ domain: "cluster.local", authority: "another" }} | ${/^ERR_SSL|ECONNRESET/}
    ${{}}                                                | ${/^ERR_SSL|ECONNRESET/}
    ${{ domain: "cluster.local", alpn: ["http/1.1"] }}   | ${{ strict: 200, permissive: /ECONNRESET/ }}
  `("TLS of $caller: $outcome", async ({ caller, outcome }) => {
    for (const mode of ["strict", "permissive"] as const) {
      const url = `https://${podAddress}:${ports.http[mode]}/`;
      const { status, error } = await http("no sidecar", url, { host: "catalog", tls: await credentials(caller) });
      const expected = outcome[mode] ?? outcome;
      expect(String(status ?? error), mode).toMatch(expected instanceof RegExp ? expected : String(expected));
    }
  });

  test.each`
    port  | policy          | source       | destination
    ${80} | ${"mutual_tls"} | ${ids.web}   | ${ids.catalog}
    ${82} | ${"none"}       | ${"unknown"} | ${"unknown"}
  `("telemetry of calls on port $port: $policy, from $source to $destination", async ({ port, ...expected }) => {
    await http("sidecar", `http://${service}:${port}/telemetry`, { host: "catalog" });
    const found = await shop.catalog.waitFor(async () => {
      const all = await samples(shop.catalog, "istio_requests_total");
      return all
        .map(({ labels }) => labels)
        .find(
          ({ connection_security_policy: policy, reporter }) =>
            reporter === "destination" && policy === expected.policy,
        );
    }, "catalog's telemetry");
    expect(found).toMatchObject({ source_principal: expected.source, destination_principal: expected.destination });
  });
});
