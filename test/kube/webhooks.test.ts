// The webhooks as a real API server calls them, and what kubectl shows of their answers.
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
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
