import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Mesh } from "../../controller/model/mesh.ts";
import { cases, readCase } from "../../controller/translate/test-support/case.ts";
import * as model from "../../controller/translate/test-support/model.ts";
import { staticBootstrap, withSecrets } from "../../controller/translate/test-support/static.ts";
import { translate } from "../../controller/translate/translate.ts";
import { locateEnvoy } from "../../setup/envoy.mjs";
import { testAuthority } from "../support/authority.ts";
import { builtModule } from "../support/built-module.ts";
import { freePort, startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { call } from "../support/http.ts";

// What translate() makes, run by a real Envoy without a control plane.

test.each(cases)("Envoy takes the resources of golden case %s", async (name) => {
  const { mesh, proxy } = readCase(name);
  const dir = await mkdtemp(join(tmpdir(), "sluice-"));
  try {
    const file = join(dir, "bootstrap.json");
    const { namespace, serviceAccount } = proxy;
    const identity = { trustDomain: mesh.settings.trustDomain, namespace, serviceAccount };
    const certificate = await (await testAuthority()).issue({ identity }, { nowMs: Date.now(), ttlMs: 60_000 });
    const snapshot = withSecrets(translate(mesh, proxy).resources, certificate);
    await writeFile(file, JSON.stringify(staticBootstrap(snapshot)));
    const args = ["--mode", "validate", "-c", file, "--disable-hot-restart", "--reject-unknown-dynamic-fields"];
    const { status, stderr, stdout } = spawnSync(locateEnvoy().path, args, { encoding: "utf8" });
    expect({ status, output: `${stderr}${stdout}` }).toEqual({ status: 0, output: expect.stringContaining(" OK") });
    expect(stderr).not.toMatch(/\[(warning|error|critical)\]/); // a deprecated field, a plugin that does not load
  } finally {
    await rm(dir, { recursive: true });
  }
});

describe("plugins with ports", () => {
  /** Requests for each path. */
  const calls = new Map<string, number>();
  let app: Server;
  let sidecar: TestEnvoy;
  let gateway: TestEnvoy;
  let at: Ports;

  beforeAll(async () => {
    at = { proxy: await freePort(), gateway: await freePort(), app: await freePort() };
    app = createServer(({ url = "", headers }, response) => {
      calls.set(url, (calls.get(url) ?? 0) + 1);
      response.writeHead(url.startsWith("/fail") ? 500 : 200).end(String(headers["x-hello"] ?? ""));
    });
    await new Promise<void>((resolve) => app.listen(at.app, "127.0.0.1", resolve));
    const mesh = shop(at);
    sidecar = await startEnvoy(staticBootstrap(translate(mesh, model.proxy()).resources));
    gateway = await startEnvoy(staticBootstrap(translate(mesh, gatewayProxy).resources));
    await Promise.all([sidecar.live(), gateway.live()]);
  });

  afterAll(async () => {
    await sidecar?.stop();
    await gateway?.stop();
    app.close();
  });

  const fromSidecar = (url: string) =>
    call({ host: "127.0.0.1", port: at.proxy, path: url, headers: { host: new URL(url).host } });

  test.each`
    url                                         | status | ran
    ${"http://catalog.shop/"}                   | ${200} | ${"from sluice"}
    ${"http://catalog:80/"}                     | ${200} | ${"from sluice"}
    ${"http://catalog.shop.svc.cluster.local/"} | ${200} | ${"from sluice"}
    ${"http://catalog.shop:8080/"}              | ${200} | ${""}
  `("a sidecar's call of $url: $status, plugin ran: '$ran'", async ({ url, status, ran }) => {
    const reply = await fromSidecar(url);
    expect([reply.status, reply.body, reply.headers["x-hello"] ?? ""]).toEqual([status, ran, ran]);
  });

  test.each`
    url                            | status | why
    ${"http://catalog.shop:8081/"} | ${403} | ${"a plugin that must be there has no module"}
    ${"http://catalog.shop:9999/"} | ${502} | ${"the service has no such port"}
    ${"http://elsewhere/"}         | ${502} | ${"nothing is known of the host"}
  `("a sidecar's call of $url: $status, since $why", async ({ url, status }) => {
    expect((await fromSidecar(url)).status).toBe(status);
  });

  test.each`
    port    | attempts | spent
    ${80}   | ${1}     | ${"exhausted"}
    ${8080} | ${4}     | ${undefined}
  `("the router's chain: $attempts attempts on port $port", async ({ port, attempts, spent }) => {
    const reply = await fromSidecar(`http://catalog.shop:${port}/fail/${port}`);
    expect([reply.status, reply.headers["x-retry-budget"], calls.get(`/fail/${port}`)]).toEqual([500, spent, attempts]);
  });

  test("a gateway's port is its server's, wherever it listens", async () => {
    const reply = await call({ host: "127.0.0.1", port: at.gateway });
    expect([reply.status, reply.body]).toEqual([200, "from sluice"]);
  });
});

interface Ports {
  readonly proxy: number;
  readonly gateway: number;
  readonly app: number;
}

/** Service ports: 80 has the plugins, 8080 none, 8081 one without module. */
function shop(at: Ports): Mesh {
  const numbers = [80, 8080, 8081];
  const toApp = model.endpoint("127.0.0.1", {}, { ports: new Map(numbers.map((number) => [number, at.app])) });
  const toGateway = model.endpoint("127.0.0.1", gatewayProxy.labels, {
    namespace: gatewayProxy.namespace,
    ports: new Map([[80, at.gateway]]),
  });
  const ports = numbers.map((number) => ({ name: "http", number, protocol: "HTTP" as const, targetPort: at.app }));
  const toCatalog = [{ destination: { host: "catalog", port: 80 }, weight: 100 }];
  return model.mesh({
    services: [
      model.service("catalog", { ports, endpoints: [toApp] }),
      model.service("gateway", { endpoints: [toGateway] }),
    ],
    sidecars: [model.object("Sidecar", "web", { egress: [httpProxy(at.proxy)] })],
    gateways: [
      model.object("Gateway", "shop", {
        selector: gatewayProxy.labels,
        servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
      }),
    ],
    virtualServices: [
      model.object("VirtualService", "shop", model.virtualService(["*"], [{ match: [], route: toCatalog }], ["shop"])),
      model.object("VirtualService", "catalog", model.virtualService(["catalog"], [retried])),
    ],
    plugins: [
      model.plugin("hello", { module: hello, match: on(80) }, "istio-system"),
      model.plugin("budget", { module: budget, pluginConfig: { minRetries: 0, percent: 0 }, match: on(80) }),
      model.plugin("refuse", { module: null, failStrategy: "FAIL_CLOSE", match: on(8081) }),
    ],
  });
}

const retried = { ...model.route("catalog"), retries: { attempts: 3, retryOn: ["5xx"], backoffMs: 1 } };

function on(port: number) {
  return [{ mode: "CLIENT" as const, ports: [port] }];
}

function httpProxy(port: number) {
  return {
    port: { number: port, protocol: "HTTP_PROXY" as const, name: "http-proxy" },
    bind: "127.0.0.1",
    captureMode: "NONE" as const,
    hosts: ["*/*"],
  };
}

const hello = await builtModule("hello", ["downstream"]);
const budget = await builtModule("retry-budget", ["downstream", "upstream"]);

const gatewayProxy = model.proxy({
  id: "router~127.0.0.1~gateway-1.istio-system~istio-system.svc.cluster.local",
  type: "router",
  ip: "127.0.0.1",
  name: "gateway-1",
  namespace: "istio-system",
  labels: { istio: "ingressgateway" },
});
