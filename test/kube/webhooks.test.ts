// The webhooks as a real API server calls them, and what kubectl shows of their answers.
import { execFile } from "node:child_process";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Authority, selfSigned } from "../../controller/ca/authority.ts";
import { readRoot } from "../../controller/ca/read-root.ts";
import { ControlPlane } from "../../controller/control-plane.ts";
import { crds } from "../../controller/crd/definitions.ts";
import { kinds } from "../../controller/crd/kinds.ts";
import { parseObject } from "../../controller/crd/parse-object.ts";
import { injector, validator } from "../../controller/install/webhooks.ts";
import { CaBundle } from "../../controller/kube/ca-bundle.ts";
import { connect, type KubeClient } from "../../controller/kube/client.ts";
import { type KubernetesSource, watchKubernetes } from "../../controller/kube/source.ts";
import { defaultSettings } from "../../controller/model/mesh.ts";
import { Preflight } from "../../controller/modules/preflight.ts";
import { ModuleStore } from "../../controller/modules/store.ts";
import { realClock } from "../../controller/ports/clock.ts";
import { TestLog } from "../../controller/ports/log.ts";
import { inject } from "../../controller/webhooks/inject.ts";
import { serveWebhooks, type WebhookServer } from "../../controller/webhooks/server.ts";
import { validate } from "../../controller/webhooks/validate.ts";
import { type Cluster, startCluster } from "../support/kube/cluster.ts";
import { until } from "../support/wait.ts";

const log = new TestLog();
const preflight = new Preflight();
let cluster: Cluster;
let client: KubeClient;
let source: KubernetesSource;
let server: WebhookServer;
let bundle: CaBundle;

/** What stands in for the rest of the controller. */
async function serve(): Promise<void> {
  const common = { clock: realClock, random: Math.random, log };
  const modules = new ModuleStore({
    read: (file) => readFile(file),
    check: (job) => preflight.check(job),
    builtinFile: (name) => join(import.meta.dirname, `../../build/${name}.wasm`),
    onChange: () => {},
  });
  const plane = new ControlPlane({
    settings: defaultSettings,
    controller: "sluice-0",
    modules,
    secrets: () => new Map(),
    push: () => {},
    proxies: () => [],
    clock: realClock,
    log: { info: () => {}, warn: () => {}, error: () => {} },
  });
  source = watchKubernetes({ client, kinds: Object.values(kinds), onBatch: (batch) => plane.update(batch), ...common });
  await source.synced;
  const { certificate, key } = await selfSigned("test", { nowMs: Date.now(), ttlMs: 3_600_000 });
  const root = await readRoot({ origin: "test", caCert: certificate, caKey: key }, Date.now());
  if ("problems" in root) throw new Error(root.problems.join());
  const authority = new Authority(root.issuer);
  const current = await authority.issue({ hosts: [cluster.hostIp] }, { nowMs: Date.now(), ttlMs: 3_600_000 });
  server = await serveWebhooks({
    host: cluster.hostIp,
    port: 0,
    certificate: { current, onChange: () => () => {} },
    webhooks: {
      "/validate": (request, deadlineMs) =>
        validate(request, deadlineMs, {
          parse: parseObject,
          tryModule: (plugin) => modules.problemsOf(plugin),
          problemsInMesh: (object) => plane.problemsWith(object),
          clock: realClock,
        }),
      "/inject": (request) =>
        inject(request, {
          settings: defaultSettings,
          images: { sluice: "sluice:1", envoy: "envoy:1" },
          known: (name) => ({ name, labels: source.namespaces.get(name)?.metadata.labels ?? {} }),
          read: async (name) => {
            const found = await client.get({ group: "", version: "v1", plural: "namespaces", name });
            return { name, labels: found?.metadata.labels ?? {} };
          },
        }),
    },
    log,
  });
  const names = { injector: "sluice-sidecar-injector", validator: "sluice-validator-istio-system" };
  bundle = new CaBundle({ client, ...names, roots: () => authority.roots, ...common });
}

/** As they are installed, but called at the address of this process. */
async function configure(): Promise<void> {
  for (const configuration of [injector(), validator()]) {
    const text = JSON.stringify(configuration).replace(
      /"service":\{[^}]*"path":"(\/\w+)"[^}]*\}/g,
      (_, path) => `"url":"https://${cluster.hostIp}:${server.port}${path}"`,
    );
    await cluster.kubectl.apply(text);
  }
  const bundles = (): Promise<string> =>
    cluster.kubectl(
      ...["get", "mutatingwebhookconfigurations,validatingwebhookconfigurations", "-o"],
      "jsonpath={.items[*].webhooks[*].clientConfig.caBundle}",
    );
  await until(async () => (await bundles()).split(" ").length === 5, "the bundles");
}

beforeAll(async () => {
  cluster = await startCluster();
  client = connect({ kubeconfig: cluster.kubeconfig });
  for (const definition of crds()) await cluster.kubectl.apply(JSON.stringify(definition));
  await cluster.kubectl("create", "namespace", "shop");
  await serve();
  await configure();
});

afterAll(async () => {
  bundle?.close();
  source?.close();
  await server?.close();
  preflight.close();
  await cluster?.close();
});

async function attempt(kind: string, name: string, spec: object, api = "networking.istio.io/v1") {
  const object = { apiVersion: api, kind, metadata: { name, namespace: "shop" }, spec };
  return cluster.kubectl.attempt(["apply", "-f", "-"], JSON.stringify(object));
}

const plugin = (name: string, spec: object) => attempt("WasmPlugin", name, spec, "extensions.istio.io/v1alpha1");
const denied = 'admission webhook "validation.istio.io" denied the request: ';

test("a plugin whose configuration its module refuses is not let in, and the words are those of the check", async () => {
  const good = { url: "builtin://retry-budget", pluginConfig: { window: "10s" } };
  expect(await plugin("budget", good)).toMatchObject({ code: 0, stderr: "" });
  const bad = await plugin("budget", { ...good, pluginConfig: { window: "10" } });
  expect(bad.code).toBe(1);
  expect(bad.stderr).toContain(
    `${denied}WasmPlugin shop/budget: spec.pluginConfig.window is "10": a unit is missing; write "10s" or "10m"`,
  );
  const still = await cluster.kubectl(
    "get",
    "wasmplugin",
    "budget",
    "-n",
    "shop",
    "-o",
    "jsonpath={.spec.pluginConfig}",
  );
  expect(JSON.parse(still)).toEqual(good.pluginConfig);
});

test("a module that is none, or is not there, is refused", async () => {
  const file = join(cluster.dir, "garbage.wasm");
  await writeFile(file, "garbage");
  expect((await plugin("a", { url: `file://${file}` })).stderr).toContain(`${denied}WasmPlugin shop/a: spec.url is`);
  expect((await plugin("a", { url: "file:///none.wasm" })).stderr).toContain("which can't be read");
  await copyFile(join(import.meta.dirname, "../../build/deadline.wasm"), file);
  expect(await plugin("a", { url: `file://${file}` })).toMatchObject({ code: 0 });
});

test("what has yet to come elsewhere is a warning", async () => {
  const spec = { hosts: ["catalog"], http: [{ route: [{ destination: { host: "nowhere" } }] }] };
  const { code, stderr } = await attempt("VirtualService", "catalog", spec);
  expect(code).toBe(0);
  expect(stderr).toMatch(/^Warning: VirtualService shop\/catalog: spec\.http\[0\]\.route\[0\]\.destination\.host is/);
});

describe("every kind", () => {
  const route = { route: [{ destination: { host: "catalog" } }] };
  const server = (number: number) => ({ port: { number, name: "http", protocol: "HTTP" }, hosts: ["*"] });
  const kindsOfIstio = [
    {
      kind: "Gateway",
      good: { servers: [server(80)] },
      bad: { servers: [server(80), server(81)] },
      sentence: 'spec.servers[1].port.name is "http": port names in servers must be unique: duplicate name http',
    },
    {
      kind: "VirtualService",
      good: { hosts: ["catalog"], http: [{ timeout: "10s", ...route }] },
      bad: { hosts: ["catalog"], http: [{ timeout: "10", ...route }] },
      sentence: 'spec.http[0].timeout is "10": a unit is missing; write "10s" or "10m"',
    },
    {
      kind: "DestinationRule",
      good: { host: "catalog", subsets: [{ name: "v1" }] },
      bad: { host: "catalog", subsets: [{ name: "v1" }, { name: "v1" }] },
      sentence: 'spec.subsets[1].name is "v1": duplicate subset names',
    },
    {
      kind: "ServiceEntry",
      good: { hosts: ["pay.example.com"], resolution: "DNS", ports: [{ number: 80, name: "http" }] },
      bad: { hosts: ["*"], ports: [{ number: 80, name: "http" }] },
      sentence: 'spec.hosts[0] is "*": a ServiceEntry can\'t stand for all hosts',
    },
    {
      kind: "WorkloadEntry",
      good: { address: "192.0.2.1" },
      bad: { address: "unix:///run/app.sock" },
      sentence: 'spec.address is "unix:///run/app.sock": unix sockets are not supported; write an IP address and ports',
    },
    {
      kind: "Sidecar",
      good: { egress: [{ hosts: ["*/*"] }] },
      bad: { egress: [{ hosts: ["catalog"] }] },
      sentence: 'spec.egress[0].hosts[0] is "catalog": must be <namespace>/<host>: ./*, shop/* or */*',
    },
    {
      kind: "PeerAuthentication",
      good: { selector: { matchLabels: { app: "web" } }, portLevelMtls: { 8080: { mode: "STRICT" } } },
      bad: { selector: { matchLabels: { app: "web" } }, portLevelMtls: { "08080": { mode: "STRICT" } } },
      sentence: "spec.portLevelMtls has a key that is no port: port numbers are 1 to 65535",
    },
    {
      kind: "Telemetry",
      good: { metrics: [{ overrides: [{ match: { metric: "REQUEST_SIZE" }, disabled: true }] }] },
      bad: { accessLogging: [{ filter: { expression: "response.code >=" } }] },
      sentence:
        'spec.accessLogging[0].filter.expression is "response.code >=": not an expression in CEL: end of input at column 17 can\'t stand there',
    },
    {
      kind: "WasmPlugin",
      good: { url: "builtin://retry-budget", pluginConfig: { percent: 50 } },
      bad: { url: "builtin://retry-budget", pluginConfig: { percent: 5000 } },
      sentence: "spec.pluginConfig.percent is 5000: it must be from 0 to 1000",
    },
  ];
  const definitions = new Map(crds().map(({ spec }) => [spec.names.kind, spec]));

  function objectOf(kind: string, name: string, { version = 0, spec }: { version?: number; spec: object }) {
    const { group, versions } = definitions.get(kind) ?? {};
    const apiVersion = `${group}/${versions?.[version]?.name}`;
    return { apiVersion, kind, metadata: { name, namespace: "shop" }, spec };
  }

  test("is here", () => {
    expect(kindsOfIstio.map(({ kind }) => kind).toSorted()).toEqual([...definitions.keys()].toSorted());
  });

  test.each(kindsOfIstio)(
    "a bad $kind is refused with the sentence that `sluice analyze` has: $sentence",
    async (row) => {
      const text = JSON.stringify(objectOf(row.kind, "bad", { spec: row.bad }));
      const said = await analyze(text);
      expect(said).toMatch(/^Error \[\w+\] \(\w+ shop\/bad stdin:1:\d+\) [^\n]+\n$/);
      expect(said.replace(/^.*?\) /, "").trimEnd()).toBe(row.sentence);
      const { code, stderr } = await cluster.kubectl.attempt(["apply", "-f", "-"], text);
      expect({ code, stderr: stderr.trimEnd() }).toEqual({
        code: 1,
        stderr: expect.stringMatching(`: ${escaped(`${denied}${row.kind} shop/bad: ${row.sentence}`)}$`),
      });
    },
  );

  test.each(kindsOfIstio)("a good $kind is taken in every version", async ({ kind, good }) => {
    const versions = definitions.get(kind)?.versions ?? [];
    expect(versions.every(({ served }) => served)).toBe(true);
    for (const version of versions.keys()) {
      const text = JSON.stringify(objectOf(kind, `good-${version}`, { version, spec: good }));
      const { code, stdout } = await cluster.kubectl.attempt(["apply", "-f", "-"], text);
      expect({ code, stdout: stdout.trimEnd() }).toEqual({
        code: 0,
        stdout: expect.stringMatching(new RegExp(`/good-${version} created$`)),
      });
    }
  });
});

/** What `sluice analyze` prints of a text alone. */
function analyze(text: string): Promise<string> {
  const bin = join(import.meta.dirname, "../../node_modules/.bin/sluice");
  return new Promise((resolve) => {
    const child = execFile(bin, ["analyze", "--use-kube=false", "-"], (_, stdout) => resolve(stdout));
    child.stdin?.end(text);
  });
}

/** For a regular expression. */
function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

test("a pod of a namespace that was labelled a moment ago gets its proxy, and others are as they were", async () => {
  const containersOf = async (namespace: string): Promise<string> => {
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "web", namespace },
      spec: { nodeName: "elsewhere", containers: [{ name: "app", image: "app" }] },
    };
    const made = await client.create({ group: "", version: "v1", plural: "pods", namespace }, pod);
    return JSON.stringify((made["spec"] as { containers: { name: string }[] }).containers.map(({ name }) => name));
  };
  for (let i = 0; i < 10; i++) {
    const namespace = `new-${i}`;
    const metadata = { name: namespace, labels: { "istio-injection": "enabled" } };
    await client.create({ group: "", version: "v1", plural: "namespaces" }, { metadata });
    await until(
      () => cluster.kubectl("get", "serviceaccount", "default", "-n", namespace).then(() => true),
      "its account",
    );
    expect(await containersOf(namespace)).toBe('["app","istio-proxy"]');
  }
  expect(await containersOf("default")).toBe('["app"]');
  expect(log.lines).toEqual([]);
});
