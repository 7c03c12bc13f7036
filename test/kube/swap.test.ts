// A swap is invisible: load runs through the gateway, webapp and catalog while a WasmPlugin of all proxies is replaced with
// kubectl. Each of the four hops marks and counts the responses that pass it.
import { Agent } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Call, call, type Load, type Reply, startLoad, tally } from "../support/http.ts";
import {
  applyMark,
  deleteMark,
  digestColumn,
  type Mark,
  markColumns,
  markField,
  markProgrammed,
  marksOf,
} from "../support/kube/marks.ts";
import { type KubeMesh, shopNamespace, startKubeMesh } from "../support/kube/mesh.ts";
import { podAges } from "../support/kube/pod-ages.ts";
import { markModule } from "../support/modules.ts";

const connections = 6;
const namespaces = [shopNamespace, "istio-system"];
/** How often a request's response passes each proxy: webapp's sidecar sees the catalog's answer and webapp's. */
const proxies = {
  gateway: { pod: "deploy/istio-ingressgateway", namespace: "istio-system", container: "istio-proxy", hops: 1 },
  webapp: { pod: "deploy/webapp", namespace: shopNamespace, container: "webapp", hops: 2 },
  catalog: { pod: "deploy/catalog", namespace: shopNamespace, container: "catalog", hops: 1 },
} as const;
type ProxyName = keyof typeof proxies;
const names = Object.keys(proxies) as readonly ProxyName[];

/** The test's own calls between those of the load go over a connection that stays. */
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
let calls = 0;
let mesh: KubeMesh;
let target: Call;
const urls = { a: "", b: "" };

beforeAll(async () => {
  for (const version of ["a", "b"] as const) urls[version] = await markModule(version);
  mesh = await startKubeMesh();
  target = { ...mesh.gateway, path: "/api/catalog" };
  await mesh.waitFor(async () => (await call(target)).status === 200, "the shop to serve");
});
afterAll(async () => {
  agent.destroy();
  await mesh?.close();
});

/** The sum of an Envoy's counters whose names match. */
async function stat(proxy: ProxyName, pattern: RegExp): Promise<number> {
  const { pod, namespace, container } = proxies[proxy];
  const command = ["exec", "-n", namespace, pod, "-c", container, "--", "curl", "-s", "http://127.0.0.1:15000/stats"];
  const lines = (await mesh.kubectl(...command)).split("\n").map((line) => line.split(": "));
  return lines.filter(([name = ""]) => pattern.test(name)).reduce((sum, [, value]) => sum + Number(value), 0);
}

/** The same of all proxies. */
async function stats(pattern: RegExp): Promise<Record<ProxyName, number>> {
  const [gateway = 0, webapp = 0, catalog = 0] = await Promise.all(names.map((name) => stat(name, pattern)));
  return { gateway, webapp, catalog };
}

/** Responses that passed with the filter. */
const marked = (): Promise<Record<ProxyName, number>> => stats(/^wasmcustom\.mark_responses_total$/);
/** Requests' connections that were closed: the test's, the proxies' with each other, and webapp's with its own. */
const closed = (): Promise<Record<ProxyName, number>> => stats(/^http\.(in|out)bound_.*\.downstream_cx_destroy$/);

const outcome = ({ status, body }: Reply): string => (status === 200 ? "200" : `${status} ${body}`);

async function marksNow(): Promise<string> {
  calls++;
  return marksOf(await call({ ...target, agent })).join();
}

/** Applies it and waits until kubectl says that it is Programmed and new replies show it. */
async function swap(mark: Mark & { readonly text: string }): Promise<void> {
  expect(await applyMark(mesh, mark)).toMatchObject({ code: 0, stderr: "" });
  await markProgrammed(mesh);
  expect(await markColumns(mesh)).toBe(`mark True True False 3 ${await digestColumn(mark.url)}`);
  expect(await markField(mesh, ".status.observedGeneration")).toBe(await markField(mesh, ".metadata.generation"));
  const both = [mark.text, mark.text].join();
  await mesh.waitFor(async () => (await marksNow()) === both, `the gateway and webapp to mark with ${mark.text}`);
}

async function inUse(load: Load): Promise<void> {
  await mesh.waitFor(() => load.count() >= 4 * connections, "all connections to be in use");
}

test("twenty swaps under load: no pod is touched, no request fails, none passes unmarked, no connection closes", async () => {
  await swap({ url: urls.a, config: { mark: "0" }, text: "a0" });
  const ages = await podAges(mesh.kubectl, namespaces);
  const markedBefore = await marked();
  const callsBefore = calls;
  const load = startLoad({ ...target, connections });
  await inUse(load);
  const closedBefore = await closed();
  expect(closedBefore.gateway).toBeGreaterThan(0); // those that waited for the shop to serve
  for (let i = 1; i <= 20; i++) {
    const version = i % 2 === 0 ? "a" : "b";
    await swap({ url: urls[version], config: { mark: String(i) }, text: `${version}${i}` });
  }
  expect(await closed()).toEqual(closedBefore);
  const { replies, broken } = await load.stop();
  expect(broken).toEqual([]);
  expect(tally(replies, outcome)).toEqual({ 200: replies.length });
  expect(tally(replies, (reply) => marksOf(reply).length)).toEqual({ 2: replies.length });
  const passed = replies.length + calls - callsBefore;
  const expected = names.map((name) => [name, markedBefore[name] + passed * proxies[name].hops]);
  expect(await marked()).toEqual(Object.fromEntries(expected));
  expect(await podAges(mesh.kubectl, namespaces)).toBe(ages);
}, 300_000);

test("the first plugin comes and the last goes under load: no request fails, no connection closes", async () => {
  const load = startLoad({ ...target, connections });
  await inUse(load);
  const closedBefore = await closed();
  for (let round = 0; round < 5; round++) {
    await deleteMark(mesh);
    await mesh.waitFor(async () => (await marksNow()) === "", "nothing to be marked");
    await swap({ url: urls.a, config: { mark: `r${round}` }, text: `ar${round}` });
  }
  expect(await closed()).toEqual(closedBefore);
  const { replies, broken } = await load.stop();
  expect(broken).toEqual([]);
  expect(tally(replies, outcome)).toEqual({ 200: replies.length });
});
