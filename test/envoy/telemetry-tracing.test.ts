import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Call, call } from "../support/http.ts";
import { node, type TestMesh } from "../support/mesh.ts";
import { type Span, treeOf, wholeTrace } from "../support/spans.ts";
import { decisions, startTracedShop, telemetry, tell, traces } from "../support/traced-shop.ts";

// The outfitters shop with a collector of traces as one more workload of the mesh. A request that enters by the gateway is
// one trace through webapp, whose application forwards the headers that begin with x-, to catalog.

let mesh: TestMesh;
let gateway: Call;

beforeAll(async () => {
  mesh = await startTracedShop([node, join(import.meta.dirname, "../support/zipkin.ts")], 20_000);
  gateway = { ...(await mesh.gateway()), path: "/api/catalog" };
  await mesh.apply("all.yaml", telemetry("mesh-default", "istio-system", "randomSamplingPercentage: 100"));
});
afterAll(() => mesh?.stop());

let requests = 0;

/** Which of our requests a span is of; -1: none. */
function requestOf({ tags }: Span): number {
  return Number(/\/api\/catalog\?(\d+)$/.exec(tags?.["http.url"] ?? "")?.[1] ?? -1);
}

/** Makes calls until a trace of one of them has what is wanted. */
async function traceWith(
  is: (tree: readonly string[], trace: readonly Span[]) => boolean,
  headersOf: (request: number) => Readonly<Record<string, string>> = () => ({}),
): Promise<readonly Span[]> {
  const since = requests;
  let seen: readonly (readonly Span[])[] = [];
  return mesh.waitFor(
    async () => {
      await call({ ...gateway, path: `/api/catalog?${requests}`, headers: headersOf(requests++) });
      seen = (await traces(mesh)).filter((trace) => trace.some((span) => requestOf(span) >= since));
      return seen.find((trace) => is(treeOf(trace), trace));
    },
    () => `a trace; there are\n${seen.map((trace) => treeOf(trace).join("\n")).join("\n\n")}`,
  );
}

const isWhole = (tree: readonly string[]): boolean => tree.join("\n") === wholeTrace.join("\n");

test("a request is one trace from the gateway through webapp to catalog, with Istio's tags", async () => {
  const trace = await traceWith(isWhole);
  expect(trace.find(({ localEndpoint }) => localEndpoint?.serviceName === "catalog.istioinaction")?.tags).toMatchObject(
    {
      "http.status_code": "200",
      "istio.canonical_service": "catalog",
      "istio.canonical_revision": "v1",
      "istio.namespace": "istioinaction",
      "istio.mesh_id": "cluster.local",
      "istio.cluster_id": "Kubernetes",
    },
  );
});

test("a share of the requests is traced, each of them whole, and none at 0 %, without a listener's change", async () => {
  const proxies = ["istio-ingressgateway", "webapp", "catalog"];
  const updates = () => Promise.all(proxies.map((name) => mesh.stat(name, "listener_manager.lds.update_success")));
  const before = await updates();
  /** Requests that are made once a sampling, in hundredths of a percent, is in force. */
  const requestsAt = async (percent: number, count: number): Promise<(span: Span) => boolean> => {
    await mesh.apply("all.yaml", telemetry("mesh-default", "istio-system", `randomSamplingPercentage: ${percent}`));
    const numerator = percent === 0 ? "" : `"numerator": ${percent * 100},\\s*`;
    const sampling = new RegExp(`"random_sampling": \\{\\s*${numerator}"denominator": "TEN_THOUSAND"`);
    for (const name of proxies)
      await mesh.waitFor(async () => sampling.test(await mesh.admin(name, "/config_dump")), `the sampling of ${name}`);
    const from = requests;
    while (requests < from + count) await call({ ...gateway, path: `/api/catalog?${requests++}` });
    return (span) => requestOf(span) >= from && requestOf(span) < from + count;
  };
  const isOfSome = await requestsAt(30, 60);
  const some = await mesh.waitFor(async () => {
    const found = (await traces(mesh)).filter((trace) => trace.some(isOfSome));
    return found.length > 0 && found.every((trace) => isWhole(treeOf(trace))) && found;
  }, "whole traces of some requests");
  expect(some.length).toBeLessThan(60); // all of them once in 10^31 runs
  const isOfNone = await requestsAt(0, 20);
  await requestsAt(100, 0);
  await traceWith(isWhole); // reported behind all others
  expect((await traces(mesh)).filter((trace) => trace.some(isOfNone))).toEqual([]);
  expect(await updates()).toEqual(before);
});

test("tags are added, and Istio's left out, without a listener's change", async () => {
  const updates = await mesh.stat("webapp", "listener_manager.lds.update_success");
  const tags = [
    "team: {literal: {value: outfitters}}, tenant: {header: {name: x-tenant, defaultValue: none}}",
    "path: {environment: {name: PATH}}, zone: {environment: {name: NOT_THERE, defaultValue: none}}",
    'call: {formatter: {value: "%REQ(:METHOD)% %RESPONSE_CODE%"}}',
  ];
  await mesh.apply("own.yaml", telemetry("own", "istioinaction", `{customTags: {${tags}}, enableIstioTags: false}`));
  const isTagged = ({ tags: own }: Span): boolean => own?.["team"] === "outfitters" && own["tenant"] === "blue";
  const ofWebapp = ({ localEndpoint }: Span): boolean => localEndpoint?.serviceName === "webapp.istioinaction";
  const trace = await traceWith(
    (tree, spans) => isWhole(tree) && spans.filter(ofWebapp).every(isTagged),
    () => ({
      "x-tenant": "blue",
    }),
  );
  for (const { tags: own } of trace.filter(ofWebapp)) {
    expect(own).toMatchObject({ path: process.env["PATH"], zone: "none", call: "GET 200" });
  }
  const [span] = trace.filter(ofWebapp);
  expect(Object.keys(span?.tags ?? {}).filter((tag) => tag.startsWith("istio."))).toEqual([]);
  expect(await mesh.stat("webapp", "listener_manager.lds.update_success")).toBe(updates);
  await mesh.remove("own.yaml");
});

test("a side that reports no spans is missing, and the trace goes on", async () => {
  await mesh.apply(
    "own.yaml",
    telemetry("own", "istioinaction", "{match: {mode: SERVER}, disableSpanReporting: true}"),
  );
  const trace = await traceWith((_, spans) => {
    const seen = spans.map(({ localEndpoint, kind }) => `${localEndpoint?.serviceName} ${kind}`);
    return seen.includes("webapp.istioinaction CLIENT") && !seen.some((one) => /istioinaction SERVER/.test(one));
  });
  expect(new Set(trace.map(({ traceId }) => traceId)).size).toBe(1);
  await mesh.remove("own.yaml");
});

test.each(decisions)("what filters decided is in tags: %s, in a trace of %s", (story, context) =>
  tell(mesh, story, context),
);

test("who brings W3C's context goes on in it", async () => {
  const traceIdOf = (request: number): string =>
    `0af7651916cd43dd${(0xabc000 + request).toString(16).padStart(16, "0")}`;
  const trace = await traceWith(isWhole, (request) => ({
    traceparent: `00-${traceIdOf(request)}-b7ad6b7169203331-01`,
  }));
  expect(trace[0]?.traceId).toBe(traceIdOf(Math.max(...trace.map(requestOf))));
});
