import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { gatewayPodTemplate } from "../../controller/inject/gateway-template.ts";
import { injectPod } from "../../controller/inject/inject-pod.ts";
import { type Json, viewOf } from "../../controller/inject/pod.ts";
import { probeClusters, probeListener } from "../../controller/inject/probe-listener.ts";
import { rewriteProbes } from "../../controller/inject/probes.ts";
import { defaultSettings } from "../../controller/model/mesh.ts";
import { locateEnvoy } from "../../setup/envoy.mjs";
import { testAuthority } from "../support/authority.ts";
import { freePort, startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { call } from "../support/http.ts";
import { expand } from "../support/kube/expand.ts";

const surroundings = { settings: defaultSettings, images: { sluice: "sluice:test", envoy: "envoy:test" } };

describe("Envoy takes the arguments of", () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "sluice-"));
    await writeFile(join(dir, "root-cert.pem"), "");
    await writeFile(join(dir, "istio-token"), "");
  });
  afterAll(() => rm(dir, { recursive: true }));

  const folder = join(import.meta.dirname, "../../controller/inject/testdata/inject");
  const pods = globSync(`${folder}/*.out.yaml`).map((file): readonly [string, Json] => {
    const name = basename(file, ".out.yaml");
    const { pod, namespace } = parse(readFileSync(`${folder}/${name}.yaml`, "utf8"));
    const injection = injectPod({
      ...surroundings,
      pod,
      namespace: namespace ?? { name: "shop", labels: { "istio-injection": "enabled" } },
    });
    return [name, injection.outcome === "injected" ? injection.pod : {}];
  });

  test.each([
    ...pods.filter(([, { spec }]) => spec !== undefined),
    ["the gateway", gatewayPodTemplate(surroundings)] as const,
  ])("%s", (_name, pod) => {
    const { containers, initContainers } = viewOf(pod);
    const proxy = [...containers, ...initContainers].find(({ name }) => name === "istio-proxy");
    const args = proxy?.["args"];
    const env = { POD_NAME: "p-1", POD_NAMESPACE: "shop", INSTANCE_IP: "10.0.0.7", SERVICE_ACCOUNT: "p" };
    const texts = (Array.isArray(args) ? args : [])
      .map((arg) => expand(String(arg), new Map(Object.entries(env))))
      .map((arg) => arg.replaceAll(/\/(var\/run\/secrets\/(istio|tokens)|etc\/istio\/proxy)\//g, `${dir}/`));
    const { status, stderr } = spawnSync(locateEnvoy().path, ["--mode", "validate", ...texts], { encoding: "utf8" });
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: expect.not.stringMatching(/\[(warning|error|critical)\]/),
    });
  });
});

describe("a probe", () => {
  let envoy: TestEnvoy;
  let port: number;
  const apps: Record<"plain" | "tls", Server> = { plain: createServer(), tls: createServer() };

  const answer: RequestListener = (request, response) => {
    const code = /^\/status\/(\d+)/.exec(request.url ?? "")?.[1];
    response.writeHead(Number(code ?? 200), { location: "/login", "x-app": "1" }).end(JSON.stringify(seenOf(request)));
  };
  const seenOf = ({ method, url, headers, socket }: IncomingMessage) => ({
    method,
    url,
    headers,
    from: socket.remoteAddress,
  });
  const portOf = (server: Server): number => (server.address() as AddressInfo).port;
  const listen = (server: Server) => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  beforeAll(async () => {
    const authority = await testAuthority();
    const { chain, key } = await authority.issue({ hosts: ["other"] }, { nowMs: Date.now(), ttlMs: 600_000 });
    apps.plain = createServer(answer);
    apps.tls = createTlsServer({ cert: chain, key: key.reveal() }, answer);
    await Promise.all([listen(apps.plain), listen(apps.tls)]);
    const [plain, tls, closed] = [portOf(apps.plain), portOf(apps.tls), await freePort()];
    const { routes } = rewriteProbes({
      name: "web",
      ports: [{ name: "http", containerPort: plain }],
      livenessProbe: { httpGet: { path: "/live?deep=1&price=$5", port: "http" } },
      readinessProbe: {
        httpGet: {
          path: "/ready",
          port: tls,
          scheme: "HTTPS",
          httpHeaders: [{ name: "host", value: "shop.example.com" }],
        },
      },
      startupProbe: { httpGet: { path: "/status/302", port: plain } },
      lifecycle: {
        preStop: { httpGet: { path: "/status/500", port: plain } },
        postStart: { httpGet: { port: closed } },
      },
    });
    port = await freePort();
    envoy = await startEnvoy({
      static_resources: {
        listeners: [probeListener({ address: "127.0.0.1", port }, routes, "127.0.0.1")],
        clusters: probeClusters(routes, "127.0.0.1"),
      },
    });
    await envoy.live();
  });
  afterAll(async () => {
    await envoy?.stop();
    for (const app of Object.values(apps)) app.close();
  });

  const probe = (path: string, headers: Readonly<Record<string, string>> = {}) =>
    call({ host: "127.0.0.1", port, path, headers });

  test("reaches the application from where the rules let it through, with its query and its own headers alone", async () => {
    const { status, body } = await probe("/app-health/web/livez", {
      "user-agent": "kube-probe/1.37",
      "x-probe": "1",
      accept: "*/*",
    });
    expect(status).toBe(200);
    expect(JSON.parse(body)).toEqual({
      method: "GET",
      url: "/live?deep=1&price=$5",
      from: "127.0.0.6",
      headers: {
        host: `127.0.0.1:${portOf(apps.plain)}`,
        "user-agent": "kube-probe/1.37",
        "x-probe": "1",
        accept: "*/*",
        "x-forwarded-proto": "http",
      },
    });
  });

  test("over TLS does not verify, and keeps the Host that it brings", async () => {
    const { status, body } = await probe("/app-health/web/readyz", { host: "shop.example.com" });
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ url: "/ready", headers: { host: "shop.example.com" } });
  });

  test("that is redirected ends there", async () => {
    const { status, headers } = await probe("/app-health/web/startupz");
    expect({ status, app: headers["x-app"], location: headers.location }).toEqual({ status: 302, app: "1" });
  });

  test.each`
    path                               | why                               | status
    ${"/app-lifecycle/web/prestopz"}   | ${"the application fails"}        | ${500}
    ${"/app-lifecycle/web/poststartz"} | ${"the application is not there"} | ${503}
    ${"/app-health/web/livez/more"}    | ${"it is nobody's"}               | ${404}
    ${"/app-health/web/livez?drop=1"}  | ${"no kubelet sends a query"}     | ${404}
    ${"/"}                             | ${"it is nobody's"}               | ${404}
  `("of $path says $status: $why", async ({ path, status }) => {
    expect((await probe(path)).status).toBe(status);
  });

  test("with another method is nobody's", async () => {
    expect((await call({ host: "127.0.0.1", port, path: "/app-health/web/livez", method: "POST" })).status).toBe(404);
  });

  test("opens a connection of its own each time", async () => {
    const before = await envoy.stat(`cluster.probe|${portOf(apps.plain)}|http.upstream_cx_total`);
    for (let i = 0; i < 3; i++) await probe("/app-health/web/livez");
    expect((await envoy.stat(`cluster.probe|${portOf(apps.plain)}|http.upstream_cx_total`)) - before).toBe(3);
  });
});
