// Calls of filters on a real Envoy and on the host: the same answers.
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type HeaderView, Host, type HttpCall, type HttpCallAnswer } from "../../sdk/host/index.ts";
import { freePort, startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { filterBootstrap, staticCluster } from "../support/filter-envoy.ts";
import { sourceModule } from "../support/filter-module.ts";
import { call } from "../support/http.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

vi.setConfig({ hookTimeout: 120_000 }); // the compiler takes seconds where others compute

let envoy: TestEnvoy;
let peer: Upstream;
let host: Host;
let port: number;
let queuePort: number;
let foreignPort: number;
let foreign: Host;

beforeAll(async () => {
  const module = await sourceModule("sdk/assembly/testing/calls.ts");
  peer = await startUpstream((request, response) => {
    if (request.url === "/timeout") return;
    response.sendDate = false;
    response.shouldKeepAlive = false;
    response.writeHead(201, { "x-many": ["a", "b"], "content-length": "4" });
    if (request.url === "/reset") response.write("ha", () => response.destroy());
    else response.end("half");
  });
  port = await freePort();
  queuePort = await freePort();
  const queues = await sourceModule("sdk/assembly/testing/queues.ts");
  foreignPort = await freePort();
  const functions = await sourceModule("sdk/assembly/testing/foreign.ts");
  foreign = await Host.load(functions);
  const chains = [
    { port, plugins: [{ name: "calls", module }] },
    { port: queuePort, plugins: ["asker", "worker"].map((name) => ({ name, module: queues })) },
    {
      port: foreignPort,
      plugins: [{ name: "foreign", module: functions }],
      routes: [
        {
          name: "v2",
          match: { prefix: "/", headers: [{ name: "x-version", string_match: { exact: "2" } }] },
          direct_response: { status: 200 },
        },
      ],
    },
  ].map((chain) => ({ ...chain, direction: "INBOUND" as const, upstreamPorts: [peer.port] }));
  const others = [staticCluster("peer", peer.port), staticCluster("nobody", await freePort())];
  envoy = await startEnvoy(filterBootstrap(chains, undefined, others), {
    args: ["--component-log-level", "wasm:info"],
  });
  await envoy.live();
  const answer = ({ headers }: HttpCall): HttpCallAnswer | undefined => {
    const path = headers.get(":path");
    if (path === "/timeout") return undefined;
    if (path === "/reset") return { fail: "reset" };
    const names = { "x-many": ["a", "b"], "content-length": "4", connection: "close" };
    return { status: 201, headers: names, body: "half" };
  };
  const httpCalls = { nobody: () => ({ fail: "refused" }) as const, peer: answer };
  host = await Host.load(module, { config: {}, httpCalls });
});

afterAll(async () => {
  await envoy.stop();
  await peer.stop();
});

const asking = (path: string) => ({
  "x-cluster": path === "/refused" ? "nobody" : path === "/unknown" ? "unknown" : "peer",
  "x-authority": "peer.test",
  "x-timeout": "300",
});

test.each(["/answered", "/timeout", "/refused", "/reset", "/unknown"])("HTTP: %s", async (path) => {
  const real = await call({ host: "127.0.0.1", port, path, headers: asking(path) });
  const played = host.fetch({ path, headers: asking(path) });
  expect({ status: real.status, body: real.body }).toEqual({ status: played.status, body: played.body });
});

test("calls while the plugin is configured and in ticks are answered", async () => {
  const texts = (log: string) => new Set(log.match(/(configure|tick): .*/g));
  const real = await envoy.waitFor(() => {
    const found = texts(envoy.output());
    return found.size === 3 && found;
  }, "what the plugin logs");
  host.advance("1s");
  expect(texts(host.logs.map(({ text }) => text).join("\n"))).toEqual(real);
});

test("a queue between two plugins: news for the one that registered it", async () => {
  expect((await call({ host: "127.0.0.1", port: queuePort, path: "/" })).body).toBe("0 0 0 1");
  const heard = () => envoy.output().match(/worker: (registered|took) .*/g) ?? [];
  await envoy.waitFor(() => heard().filter((line) => line.includes("took")).length === 3, "three items are taken");
  expect(new Set(heard())).toEqual(
    new Set([
      "worker: registered true true",
      "worker: took 0,255 and é",
      "worker: took  and none",
      "worker: took none and none",
    ]),
  );
});

test.each(["/zlib", "/route"])("foreign functions: %s", async (path) => {
  const { body } = await call({ host: "127.0.0.1", port: foreignPort, path });
  const route = (headers: HeaderView) => ({ name: headers.get("x-version") === "2" ? "v2" : "default" });
  expect(body).toBe(foreign.fetch({ path }, undefined, { route }).body);
});

test.each([
  ["/state", ["0", "1"]],
  ["/cel", ["true", "true", "/cel|b", "42", "0.5", "GET=,http=", "GET,,b", "0", "null", "0", "true"]],
])("foreign functions that only Envoy has: %s", async (path, lines) => {
  const { body } = await call({ host: "127.0.0.1", port: foreignPort, path, headers: { "x-a": "b" } });
  expect(body.split("\n")).toEqual(lines);
});
