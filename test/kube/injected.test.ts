// Pods as their users write them, behind the proxies that injection gives them.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call } from "../support/http.ts";
import { type KubeMesh, outfitters, shopNamespace, startKubeMesh } from "../support/kube/mesh.ts";
import { endpoints, podReady, podValue } from "../support/kube/workloads.ts";

let mesh: KubeMesh;
beforeAll(async () => {
  mesh = await startKubeMesh();
});
afterAll(() => mesh?.close());

const catalog = { image: "istioinaction/catalog:latest", imagePullPolicy: "IfNotPresent" };
const app = { name: "app", ...catalog, ports: [{ name: "http", containerPort: 3000 }] };
const idle = ["node", "-e", "setInterval(() => {}, 1e6)"];
const item = "/items/1";

const object = (apiVersion: string, kind: string, metadata: { readonly name: string }, spec: object) => ({
  ...{ apiVersion, kind, metadata, spec },
});
const service = (name: string, targetPort: number) =>
  object("v1", "Service", { name }, { selector: { app: name }, ports: [{ name: "http", port: 80, targetPort }] });

async function apply(namespace: string, ...items: readonly object[]): Promise<void> {
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  expect(await mesh.kubectl.attempt(["apply", "-n", namespace, "-f", "-"], list)).toMatchObject({ code: 0 });
}

/** A pod with one application, which nothing controls. */
function pod(
  name: string,
  container: object,
  annotations: Readonly<Record<string, string>> = {},
  initContainers: readonly object[] = [],
): object {
  const metadata = { name, labels: { app: name }, annotations };
  return object("v1", "Pod", metadata, { initContainers, containers: [container] });
}

const named = (name: string) => ({ namespace: shopNamespace, name });
const exec = (name: string, ...command: readonly string[]) => mesh.shop("exec", name, "-c", "app", "--", ...command);

test("a pod that no Deployment made serves, and is a proxy like any other", async () => {
  await apply(shopNamespace, pod("bare", app), service("bare", 3000));
  await podReady(mesh, named("bare"));
  const asked = ["exec", "deploy/webapp", "-c", "webapp", "--", "curl", "-sf", `http://bare.${shopNamespace}${item}`];
  await mesh.waitFor(async () => (await mesh.shop(...asked)).includes("Elinor Glasses"), "webapp to be answered");
  const status = await mesh.sluice("proxy-status");
  expect(status).toMatch(/^bare\.istioinaction +Kubernetes +SYNCED/m);
});

test("a gateway as Istio's charts write it serves", async () => {
  const labels = { app: "edge", istio: "edge" };
  const own = {
    name: "istio-proxy",
    image: "auto",
    ports: [{ name: "http", containerPort: 8080 }],
    resources: { limits: { cpu: "1", memory: "256Mi" }, requests: { cpu: "10m" } },
    securityContext: { runAsUser: 1337, runAsGroup: 1337, runAsNonRoot: true, readOnlyRootFilesystem: true },
  };
  const metadata = {
    labels: { ...labels, "sidecar.istio.io/inject": "true" },
    annotations: { "inject.istio.io/templates": "gateway" },
  };
  const template = { metadata, spec: { containers: [own] } };
  const route = { destination: { host: `webapp.${shopNamespace}.svc.cluster.local`, port: { number: 80 } } };
  await mesh.kubectl("create", "namespace", "edge");
  await apply(
    "edge",
    object("apps/v1", "Deployment", { name: "edge" }, { selector: { matchLabels: labels }, template }),
    service("edge", 8080),
    object(
      "networking.istio.io/v1",
      "Gateway",
      { name: "edge" },
      {
        selector: { istio: "edge" },
        servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
      },
    ),
    object(
      "networking.istio.io/v1",
      "VirtualService",
      { name: "edge" },
      { hosts: ["*"], gateways: ["edge"], http: [{ route: [route] }] },
    ),
  );
  await mesh.kubectl("-n", "edge", "rollout", "status", "deployment/edge", "--timeout=60s");
  const ip = await mesh.kubectl("-n", "edge", "get", "pods", "-o", "jsonpath={.items[0].status.podIP}");
  const page = { host: ip, port: 8080, path: `/api/catalog${item}` };
  await mesh.waitFor(async () => (await call(page)).status === 200, "the gateway to serve");
  expect(await mesh.sluice("proxy-status")).toMatch(/^edge-\S+\.edge +Kubernetes +SYNCED/m);
});

const often = { periodSeconds: 1, timeoutSeconds: 10 };
/** Isn't ready when its items fail. Its liveness has the time that a slow machine needs to start a proxy. */
const probed = {
  ...app,
  readinessProbe: { httpGet: { path: item, port: "http" }, ...often, failureThreshold: 1 },
  livenessProbe: { httpGet: { path: "/blowup", port: "http" }, ...often, failureThreshold: 60 },
};
const readyOf = (name: string) => podValue(mesh, named(name), '.status.conditions[?(@.type=="Ready")].status');
const restartsOf = (name: string) => podValue(mesh, named(name), ".status.containerStatuses[*].restartCount");
const linesOf = async (name: string, container: string, pattern: RegExp) =>
  (await mesh.shop("logs", name, "-c", container, "--tail=-1")).match(pattern)?.length ?? 0;

/** Resolves when two more probes have reached the application. */
async function askedTwice(name: string, container: string, pattern: RegExp): Promise<void> {
  const before = await linesOf(name, container, pattern);
  await mesh.waitFor(async () => (await linesOf(name, container, pattern)) >= before + 2, `probes of ${name}`);
}

test("under strict mutual TLS HTTP probes reach the application; those that are not led through the proxy do not", async () => {
  const direct = { "sidecar.istio.io/rewriteAppHTTPProbers": "false" };
  const { livenessProbe: _, ...onlyReady } = probed;
  await apply(shopNamespace, pod("probed", probed), pod("direct", onlyReady, direct), service("probed", 3000));
  const cache = { ...probed, name: "cache", restartPolicy: "Always" };
  await apply(shopNamespace, pod("staying", { name: "app", ...catalog, command: idle }, {}, [cache]));
  for (const name of ["probed", "direct", "staying"]) await podReady(mesh, named(name));
  await mesh.kubectl.apply(await readFile(join(outfitters, "walk/strict.yaml"), "utf8"));
  await mesh.waitFor(async () => (await readyOf("direct")) === "False", "the kubelet's plaintext to be refused");
  await askedTwice("probed", "app", /^GET \S+ \/items\/1 200/gm);
  await askedTwice("probed", "app", /^GET \S+ \/blowup 200/gm);
  await askedTwice("staying", "cache", /^GET \S+ \/blowup 200/gm);
  await askedTwice("deploy/webapp", "webapp", /^GET \/api\/healthz 200/gm);
  expect([await readyOf("probed"), await restartsOf("probed")]).toEqual(["True", "0 0"]);
  const restartsOfCache = '.status.initContainerStatuses[?(@.name=="cache")].restartCount';
  expect([await readyOf("staying"), await podValue(mesh, named("staying"), restartsOfCache)]).toEqual(["True", "0"]);
  const webapps = "jsonpath={.items[*].status.containerStatuses[*]['ready', 'restartCount']}";
  expect(await mesh.shop("get", "pods", "-l", "app=webapp", "-o", webapps)).toBe("true true 0 0");
});

test("an application that fails is taken out of its Service, and comes back when it recovers", async () => {
  const blowup = (method: string) =>
    exec("probed", "curl", "-sf", "-X", method, "-H", "content-type: application/json", "-d", fault, url);
  const fault = JSON.stringify({ type: "500", active: true });
  const url = "http://localhost:3000/blowup";
  const isServed = async () => (await endpoints(mesh, named("probed"))).some(({ conditions }) => conditions.ready);
  expect(await isServed()).toBe(true);
  await blowup("POST");
  await mesh.waitFor(async () => (await readyOf("probed")) === "False" && !(await isServed()), "it to be unready");
  await blowup("DELETE");
  await mesh.waitFor(async () => (await readyOf("probed")) === "True" && isServed(), "it to be ready again");
  expect(await restartsOf("probed")).toBe("0 0");
});

test("a pod whose proxy is a native sidecar speaks mutual TLS from its first container on, and completes", async () => {
  const asking = (name: string) => ({
    name,
    ...catalog,
    command: ["curl", "-sf", `http://catalog.${shopNamespace}${item}`],
  });
  const annotations = { "sidecar.istio.io/nativeSidecar": "true" };
  const spec = { restartPolicy: "Never", initContainers: [asking("first")], containers: [asking("app")] };
  await apply(shopNamespace, object("v1", "Pod", { name: "report", ...{ annotations } }, spec));
  const phase = () => podValue(mesh, named("report"), ".status.phase");
  await mesh.waitFor(async () => ["Succeeded", "Failed"].includes(await phase()), "it to end");
  for (const name of ["first", "app"])
    expect(await mesh.shop("logs", "report", "-c", name)).toContain("Elinor Glasses");
  expect(await phase()).toBe("Succeeded");
});
