// Parts of the cluster fail or are replaced while the shop is called through gateway, webapp and catalog: no call fails, and
// no proxy is sent again what it has; no status takes them for gone.
import type { V1Pod } from "@kubernetes/client-node";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { quietMs, waitMsMax } from "../../controller/kube/source.ts";
import { call, type Load, startLoad, tally } from "../support/http.ts";
import { type Deliveries, deliveries, since } from "../support/kube/deliveries.ts";
import { inContainer } from "../support/kube/marks.ts";
import { type KubeMesh, shopNamespace, startKubeMesh } from "../support/kube/mesh.ts";
import { service } from "../support/kube/workloads.ts";
import { markModule } from "../support/modules.ts";

/** Calls between two steps of a test: enough for each connection and each pod. */
const someCalls = 40;

let mesh: KubeMesh;
let load: Load;

beforeAll(async () => {
  mesh = await startKubeMesh();
  await mesh.shop("scale", "deployment/catalog", "--replicas=2");
  const spec = {
    selector: { matchLabels: { app: "webapp" } },
    url: inContainer(await markModule("a")),
    pluginConfig: { mark: "1" },
  };
  const plugin = { apiVersion: "extensions.istio.io/v1alpha1", kind: "WasmPlugin", metadata: { name: "mark" }, spec };
  await mesh.kubectl.apply(JSON.stringify({ ...plugin, metadata: { name: "mark", namespace: shopNamespace } }));
  await mesh.shop("wait", "--for=condition=Programmed", "wasmplugin/mark", "--timeout=60s");
  await mesh.shop("rollout", "status", "deployment", "--timeout=60s");
  await (await listen()).sent(); // what that changed has been sent
  const page = { ...mesh.gateway, path: "/api/catalog" };
  await mesh.waitFor(async () => (await call(page)).headers["x-mark"] === "a1", "the shop to answer");
});
afterAll(() => mesh?.close());

beforeEach(() => {
  load = startLoad({ ...mesh.gateway, path: "/api/catalog", connections: 2 });
});
afterEach(() => load.stop());

/** As many calls again as say something. */
async function callsGoOn(): Promise<void> {
  const before = load.count();
  await mesh.waitFor(() => load.count() >= before + someCalls, "calls to go on");
}

/** Ends the load: every call was answered, by way of the plugin. */
async function noneFailed(): Promise<void> {
  await callsGoOn();
  const { replies, broken } = await load.stop();
  expect(broken).toEqual([]);
  expect(replies.filter(({ status }) => status !== 200)).toEqual([]);
  expect(tally(replies, ({ headers }) => headers["x-mark"])).toEqual({ a1: replies.length });
}

interface RunningPod {
  readonly namespace: string;
  readonly name: string;
  readonly ip: string;
}

/** Those that are not on their way out. */
async function podsOf(namespace: string, app: string): Promise<readonly RunningPod[]> {
  const { items } = await mesh.api.get<{ readonly items: readonly V1Pod[] }>(
    `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3D${app}`,
  );
  return items
    .filter(({ metadata }) => metadata?.deletionTimestamp === undefined)
    .map(({ metadata, status }) => ({ namespace, name: metadata?.name ?? "", ip: status?.podIP ?? "" }));
}

async function onlyPodOf(namespace: string, app: string): Promise<RunningPod> {
  const [pod, ...more] = await podsOf(namespace, app);
  if (!pod || more.length > 0) throw new Error(`${app} has ${more.length + (pod ? 1 : 0)} pods`);
  return pod;
}

const catalogEndpoints = `eds outbound|80||catalog.${shopNamespace}.svc.cluster.local`;

interface Listening {
  /**
   * By proxy. What comes on a stream comes in order: all has come when a Service has that is made now, which is left out
   * here. But a certificate comes when it is made.
   *
   * @param awaited comes in any case
   */
  sent(awaited?: Deliveries): Promise<readonly Deliveries[]>;
}

/** What proxies are sent from now on. @param pods absent: all */
async function listen(pods?: readonly RunningPod[]): Promise<Listening> {
  const all = [
    ...(await podsOf("istio-system", "istio-ingressgateway")),
    ...(await podsOf(shopNamespace, "webapp")),
    ...(await podsOf(shopNamespace, "catalog")),
  ];
  const heard = await Promise.all((pods ?? all).map(async ({ ip }) => ({ ip, before: await deliveries(ip) })));
  return {
    async sent(awaited = {}) {
      const name = `late-${++services}`;
      await mesh.api.create(`/api/v1/namespaces/${shopNamespace}/services`, service(name));
      return await Promise.all(heard.map(({ ip, before }) => sentTo({ ip, before }, name, awaited)));
    },
  };
}
let services = 0;

async function sentTo(
  { ip, before }: { readonly ip: string; readonly before: Deliveries },
  late: string,
  awaited: Deliveries,
): Promise<Deliveries> {
  const route = "http_rds_80";
  const own = { cluster_manager_cds: 1, ...(route in before && { [route]: 1 }) };
  const now = await mesh.waitFor(
    async () => {
      const sent = since(before, await deliveries(ip));
      return Object.keys({ ...own, ...awaited }).every((key) => key in sent) && sent;
    },
    `Service ${late} to reach ${ip}`,
    { deadlineMs: 60_000 },
  );
  const rest = Object.entries(since(own, now)).filter(([key]) => !key.includes("|late-"));
  return Object.fromEntries(rest);
}

async function eachGot(proxies: Listening, wanted: Deliveries): Promise<void> {
  const sent = await proxies.sent(wanted);
  expect(sent).toEqual(sent.map(() => wanted));
}

const nothing = {};
/** Keys are in the controller's memory only: when it is started anew, certificates are made anew. */
const certificateOnly = { sds_default: 1 };

/** `True` and since when: a status that was another for a moment has another time. */
function programmed(): Promise<string> {
  const condition = '.status.conditions[?(@.type=="Programmed")]';
  return mesh.shop("get", "wasmplugin/mark", "-o", `jsonpath={${condition}.status} {${condition}.lastTransitionTime}`);
}

interface ControllerProcess {
  /** SIGKILL, as by the kernel when memory runs out; the pod stays, and its container is started anew. */
  kill(): void;
  /** Resolves when another runs, or tries to. */
  replaced(): Promise<unknown>;
}

async function controllerProcess(): Promise<ControllerProcess> {
  const { namespace, name: pod } = await onlyPodOf("istio-system", "sluice");
  const now = (): Promise<number | undefined> => mesh.pidOf({ namespace, pod, name: "controller" });
  const pid = await mesh.waitFor(now, "the controller to run");
  return {
    kill: () => void process.kill(pid, "SIGKILL"),
    replaced: () => mesh.waitFor(async () => ((await now()) ?? pid) !== pid, "another controller"),
  };
}

describe("no call fails, and nothing is sent again, when", () => {
  test("the API server is killed and comes back", async () => {
    const proxies = await listen();
    await mesh.setApiServer(false);
    await callsGoOn();
    await mesh.setApiServer(true);
    await eachGot(proxies, nothing);
    await noneFailed();
  });

  test("etcd stands still for 10 s", async () => {
    const proxies = await listen();
    await mesh.stopEtcd(10_000);
    await eachGot(proxies, nothing);
    await noneFailed();
  });

  test("the controller is killed and comes back", async () => {
    const proxies = await listen();
    const before = await programmed();
    const controller = await controllerProcess();
    controller.kill();
    await controller.replaced();
    await eachGot(proxies, certificateOnly);
    expect(await programmed()).toBe(before);
    await noneFailed();
  });

  test("the controller is killed while the API server is down: it is back when the API server is", async () => {
    const proxies = await listen();
    const controller = await controllerProcess();
    await mesh.setApiServer(false);
    controller.kill();
    await controller.replaced();
    await callsGoOn();
    await mesh.setApiServer(true);
    await eachGot(proxies, certificateOnly);
    await noneFailed();
  });
});

test("a pod that is deleted leaves its callers while it still answers, and another takes its place: no call fails", async () => {
  const [gone] = await podsOf(shopNamespace, "catalog");
  const callers = [
    ...(await podsOf("istio-system", "istio-ingressgateway")),
    ...(await podsOf(shopNamespace, "webapp")),
  ];
  const proxies = await listen(callers);
  const { ip } = await onlyPodOf(shopNamespace, "webapp");
  const counted = async (): Promise<number> => (await deliveries(ip))[catalogEndpoints] ?? 0;
  const before = await counted();
  await mesh.shop("delete", "pod", gone?.name ?? "", "--wait=false");
  await mesh.waitFor(async () => (await counted()) > before, "the endpoint to leave");
  expect(await mesh.shop("get", "pod", gone?.name ?? "", "-o", "jsonpath={.metadata.deletionTimestamp}")).not.toBe("");
  await mesh.shop("wait", "--for=delete", `pod/${gone?.name}`, "--timeout=60s");
  await mesh.shop("rollout", "status", "deployment/catalog", "--timeout=60s");
  const sent = await proxies.sent();
  expect(new Set(sent.flatMap((one) => Object.keys(one)))).toEqual(new Set([catalogEndpoints]));
  await noneFailed();
});

test("all pods of webapp are replaced in a rolling update: no call fails", async () => {
  const before = await onlyPodOf(shopNamespace, "webapp");
  await mesh.shop("rollout", "restart", "deployment/webapp");
  await mesh.shop("rollout", "status", "deployment/webapp", "--timeout=60s");
  await mesh.shop("wait", "--for=delete", `pod/${before.name}`, "--timeout=60s");
  await noneFailed();
});

test("a thousand events are as few pushes as the time that they take allows", async () => {
  const namespace = "crowd";
  const pods = Array.from({ length: 20 }, (_, i) => ({ name: `crowd-${i}`, ip: `192.0.2.${i + 1}` }));
  await mesh.kubectl("create", "namespace", namespace);
  const path = `/api/v1/namespaces/${namespace}`;
  const selector = { crowd: "in" };
  await mesh.api.create(`${path}/services`, { metadata: { name: "crowd" }, spec: { selector, ports: [{ port: 80 }] } });
  await mesh.waitFor(() => mesh.api.get(`${path}/serviceaccounts/default`), "the service account");
  await Promise.all(pods.map((pod) => createElsewhere(path, pod)));
  const { ip } = await onlyPodOf(shopNamespace, "webapp");
  const cluster = `outbound|80||crowd.${namespace}.svc.cluster.local`;
  const counted = async (): Promise<number> => (await deliveries(ip))[`eds ${cluster}`] ?? 0;
  const proxies = await listen();
  const before = await mesh.waitFor(counted, "the Service to reach webapp");
  const doneAtMs = [performance.now()];
  await Promise.all(
    pods.map(async ({ name }, i) => {
      for (let change = 0; change < 50; change++) {
        const labels = { crowd: (i + change) % 2 === 0 ? "out" : "in" };
        await mesh.api.patch(`${path}/pods/${name}`, { metadata: { labels } });
        doneAtMs.push(performance.now());
      }
    }),
  );
  await proxies.sent();
  expect((await counted()) - before).toBeLessThanOrEqual(pushesMax(doneAtMs));
  await noneFailed();
});

/**
 * How often the controller may push what happened at these times: once each time that events wait as long as they may,
 * once for each pause among them, and once for the last. A pause that was half as long here may have been one there. On a
 * busy machine that is many, and a controller's own work gathers events, too: that it waits at all is shown by
 * controller/kube/source.test.ts.
 */
function pushesMax(atMs: readonly number[]): number {
  const tookMs = (atMs.at(-1) ?? 0) - (atMs[0] ?? 0);
  const pauses = atMs.filter((at, i) => at - (atMs[i - 1] ?? at) > quietMs / 2);
  return Math.ceil(tookMs / waitMsMax) + pauses.length + 1;
}

/** A pod that is an object only, ready at an address where nobody is. */
async function createElsewhere(
  path: string,
  { name, ip }: { readonly name: string; readonly ip: string },
): Promise<void> {
  const spec = { nodeName: "elsewhere", containers: [{ name: "app", image: "none" }] };
  await mesh.api.create(`${path}/pods`, { metadata: { name }, spec });
  const conditions = [{ type: "Ready", status: "True" }];
  await mesh.api.patch(`${path}/pods/${name}/status`, {
    status: { phase: "Running", podIP: ip, podIPs: [{ ip }], conditions },
  });
}
