import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Call, call, type Reply, startLoad, tally } from "../support/http.ts";
import { startMesh, type TestMesh } from "../support/mesh.ts";
import { destinationRule, virtualService, workload } from "../support/yaml.ts";

// What a VirtualService and a DestinationRule say is what Envoy does. Calls go through webapp's sidecar to catalog.

let mesh: TestMesh;
let target: Call;

beforeAll(async () => {
  mesh = await startMesh({
    "catalog.yaml": workload("catalog"),
    "pair.yaml": workload("pair", { replicas: 2 }),
    "webapp.yaml": workload("webapp"),
  });
  target = await mesh.httpProxy("webapp");
});
afterAll(() => mesh?.stop());
afterEach(async () => {
  for (const file of applied.splice(0)) await mesh.remove(file);
});

const applied: string[] = [];

async function apply(file: string, yaml: string): Promise<void> {
  applied.push(file);
  await mesh.apply(file, yaml);
}

const ask = (path: string, host = "catalog"): Promise<Reply> => call({ ...target, path: `http://${host}.shop${path}` });

/** How often catalog itself was asked for a path since this was called last. */
async function countsOf(path: string): Promise<number> {
  const counts = JSON.parse((await ask("/counts")).body) as Record<string, number>;
  await call({ ...target, method: "DELETE", path: "http://catalog.shop/counts" });
  return counts[path] ?? 0;
}

test("a timeout ends a slow call with 504", async () => {
  expect((await ask("/slow/1500")).status).toBe(200);
  await apply("vs.yaml", virtualService("catalog", "timeout: 1s"));
  const reply = await mesh.waitFor(async () => {
    const slow = await ask("/slow/1500");
    return slow.status === 200 ? undefined : slow;
  }, "the timeout to be live");
  expect(reply).toMatchObject({ status: 504, body: "upstream request timeout" });
  expect((await ask("/slow/1")).status).toBe(200);
});

test("retries repeat a failed call as often as the VirtualService says", async () => {
  await apply("vs.yaml", virtualService("catalog", "retries: {attempts: 3, retryOn: 5xx, perTryTimeout: 2s}"));
  await mesh.waitFor(async () => {
    await countsOf("/status/500");
    await ask("/status/500");
    return (await countsOf("/status/500")) === 4;
  }, "four attempts to be made");
  const reply = await ask("/status/500");
  expect(reply.status).toBe(500);
  expect(reply.body).toMatch(/^status 500 of catalog-/);
  expect(await countsOf("/status/500")).toBe(4);
});

test("a full connection pool answers 503 UO without asking the application", async () => {
  await apply(
    "dr.yaml",
    destinationRule("catalog", "{connectionPool: {tcp: {maxConnections: 1}, http: {http1MaxPendingRequests: 1}}}"),
  );
  await mesh.waitFor(
    async () =>
      (await mesh.admin("webapp", "/clusters")).includes(
        "catalog.shop.svc.cluster.local::default_priority::max_pending_requests::1\n",
      ),
    "the pool to be live",
  );
  const load = startLoad({ ...target, path: "http://catalog.shop/slow/50", connections: 6 });
  await mesh.waitFor(() => load.count() >= 30, "thirty replies");
  const { replies, broken } = await load.stop();
  expect(broken).toEqual([]);
  const overflow = replies.filter(({ status }) => status === 503);
  expect(overflow.length).toBeGreaterThan(0);
  expect(new Set(overflow.map(({ body }) => body))).toEqual(
    new Set(["upstream connect error or disconnect/reset before headers. reset reason: overflow"]),
  );
  expect(tally(replies, ({ status }) => status)["200"]).toBeGreaterThan(0);
});

test("an endpoint that fails is ejected, and the other takes its calls", async () => {
  const podsAnswering = async (): Promise<Set<string>> => {
    const replies = await Promise.all(Array.from({ length: 16 }, () => ask("/", "pair")));
    return new Set(replies.map(({ body }) => (JSON.parse(body) as { pod: string }).pod));
  };
  await mesh.waitFor(async () => (await podsAnswering()).size === 2, "both endpoints to answer");
  await apply(
    "dr.yaml",
    destinationRule(
      "pair",
      "{outlierDetection: {consecutive5xxErrors: 2, interval: 0.1s, baseEjectionTime: 60s, maxEjectionPercent: 50}}",
    ),
  );
  const ejected = async (): Promise<boolean> =>
    /::health_flags::[^\n]*failed_outlier_check/.test(
      (await mesh.admin("webapp", "/clusters"))
        .split("\n")
        .filter((line) => line.includes("pair.shop"))
        .join("\n"),
    );
  await mesh.waitFor(async () => {
    await ask("/status/500", "pair");
    return ejected();
  }, "an endpoint to be ejected");
  expect((await podsAnswering()).size).toBe(1);
});
