import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pluginsOf } from "../support/attach.ts";
import { type Call, call, type Reply, tally } from "../support/http.ts";
import type { TestMesh } from "../support/mesh.ts";
import type { Walk } from "../support/readme.ts";
import { type Shop, startShop } from "../support/shop.ts";

// examples/outfitters/README.md is walked through in a copy of the repository, a test for each section; what its prose
// says beside its commands is measured after them.

let shop: Shop;
let mesh: TestMesh;
let walk: Walk;
let gateway: Call;
/** Calls that webapp's own would be: catalog through its sidecar. */
let catalog: Call;

beforeAll(async () => {
  shop = await startShop();
  mesh = shop.mesh;
  walk = shop.walk("examples/outfitters/README.md");
  gateway = { ...(await mesh.gateway()), path: "/api/catalog" };
  catalog = { ...(await mesh.httpProxy("webapp")), path: "http://catalog.istioinaction/items" };
});
afterAll(() => shop?.stop());

async function calls(count: number, target: Call): Promise<readonly Reply[]> {
  const replies: Reply[] = [];
  let left = count;
  const connection = async (): Promise<void> => {
    while (left-- > 0) replies.push(await call(target));
  };
  await Promise.all([connection(), connection(), connection(), connection()]);
  return replies;
}

/** The share of calls that fail, from 0 to 1. */
async function failures(count: number): Promise<number> {
  const statuses = tally(await calls(count, gateway), ({ status }) => status);
  expect((statuses["200"] ?? 0) + (statuses["500"] ?? 0)).toBe(count);
  return (statuses["500"] ?? 0) / count;
}

/** How many requests for items have reached the catalog itself. */
async function reached(): Promise<number> {
  const { logs } = await mesh.run();
  const lines = readdirSync(logs).filter((name) => name.startsWith("catalog-"));
  const text = lines.map((name) => readFileSync(join(logs, name), "utf8")).join("");
  return text.match(/^GET \S+ \/items/gm)?.length ?? 0;
}

/** `percent` of the budget that webapp's sidecar runs. */
async function percentOnEnvoy(): Promise<number> {
  const [budget] = await pluginsOf(mesh, "webapp");
  return JSON.parse(budget?.config ?? "{}").percent;
}

/** `name{a="b",c="d"} 7` */
function labelsOf(line: string): Record<string, string> {
  return Object.fromEntries([...line.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
}

test("1. Start, and look", async () => {
  await walk.run("1. Start, and look");
  const page = await call({ ...gateway, path: "/" });
  expect(page.status).toBe(200);
  expect(page.body.match(/<li>.*?<b>(.*?)<\/b>/g)).toHaveLength(4);
  expect(page.body).toContain("Elinor Glasses");
  expect(page.body).toContain("The forum service is currently not available.");
});

test("every hop is counted under Istio's name, by who asked and who answered", async () => {
  const { ip } = await mesh.pod("webapp");
  const metrics = (await call({ host: ip, port: 15090, path: "/stats/prometheus" })).body;
  const requests = metrics.split("\n").filter((line) => line.startsWith("istio_requests_total{"));
  const counted = (reporter: string): Record<string, string> | undefined =>
    requests.map(labelsOf).find((labels) => labels["reporter"] === reporter);
  expect(counted("destination")).toMatchObject({
    source_workload: "istio-ingressgateway",
    source_workload_namespace: "istio-system",
    destination_workload: "webapp",
    destination_service: "webapp.istioinaction.svc.cluster.local",
    request_protocol: "http",
    response_code: "200",
  });
  expect(counted("source")).toMatchObject({
    source_workload: "webapp",
    source_canonical_revision: "latest",
    destination_workload: "catalog",
    destination_workload_namespace: "istioinaction",
    destination_service: "catalog.istioinaction.svc.cluster.local",
    destination_service_name: "catalog",
    destination_canonical_revision: "v1",
    response_code: "200",
  });
});

test("2. Break it", async () => {
  await walk.run("2. Break it");
  const share = await failures(500);
  expect(share).toBeGreaterThan(0.4); // 0.51, of which a standard deviation is 0.022
  expect(share).toBeLessThan(0.62);
});

test("3. Heal it", async () => {
  const before = (await mesh.run()).pods.map(({ appPid }) => appPid);
  await walk.run("3. Heal it");
  const share = await failures(500);
  expect(share).toBeGreaterThan(0.01); // 0.068, of which a standard deviation is 0.011
  expect(share).toBeLessThan(0.14);
  expect((await mesh.run()).pods.map(({ appPid }) => appPid)).toEqual(before);
});

test("4. The price of retries", async () => {
  await walk.run("4. The price of retries");
  const before = await reached();
  await calls(20, gateway);
  await mesh.waitFor(async () => (await reached()) - before === 80, "20 calls to reach the catalog 80 times");
});

test("5. A retry budget", async () => {
  const startMs = performance.now();
  const before = await reached();
  await walk.run("5. A retry budget");
  const earlier = 220;
  const replies = await calls(200, catalog);
  expect(tally(replies, ({ status }) => status)).toEqual({ 500: 200 });
  expect(replies.flatMap(({ headers }) => headers["x-envoy-ratelimited"] ?? [])).toEqual([]);
  const windows = Math.ceil((performance.now() - startMs) / 10_000);
  const retries = (await reached()) - before - earlier - replies.length;
  expect(retries).toBeGreaterThanOrEqual(10); // minRetries
  const { exhausted = 0, undefined: unmarked = 0 } = tally(replies, ({ headers }) => headers["x-retry-budget"]);
  expect(exhausted + unmarked).toBe(replies.length);
  expect(unmarked * 3).toBeLessThanOrEqual(retries); // only a call that had all of its three retries bears no mark
  expect(retries).toBeLessThanOrEqual((earlier + replies.length) / 2 + 10 * windows);
});

test("6. Change it while it serves", async () => {
  const percents: number[] = [];
  await walk.run("6. Change it while it serves", async ({ command }) => {
    if (command === undefined) percents.push(await percentOnEnvoy());
  });
  expect(percents).toEqual([0, 0, 50, 50, 50]);
});

test("7. Two versions", async () => {
  const item = { ...gateway, path: "/api/catalog/items/1" };
  const dark = { ...item, headers: { "x-dark-launch": "v2" } };
  await walk.run("7. Two versions", async ({ command }) => {
    if (command === undefined) await mesh.waitFor(async () => (await call(dark)).status === 200, "version 2 to serve");
  });
  expect(tally(await calls(20, item), ({ body }) => body.includes("imageUrl"))).toEqual({ false: 20 });
  expect(tally(await calls(20, dark), ({ body }) => body.includes("imageUrl"))).toEqual({ true: 20 });
});

test("8. A deadline", async () => {
  await walk.run("8. A deadline");
});

test("9. Nothing in the clear", async () => {
  const { ip } = await mesh.pod("catalog");
  const isServed = async (): Promise<boolean> => {
    const reply = await call({ host: ip, port: 3000, path: "/items/1" }).catch(() => undefined);
    return reply?.status === 200;
  };
  await walk.run("9. Nothing in the clear", async ({ command }) => {
    // Envoy acknowledges before its workers have the listener; a reader types slower than that.
    if (command === undefined) await mesh.waitFor(async () => !(await isServed()), "plaintext to be refused");
  });
});

test("Back to the start", async () => {
  await walk.run("Back to the start");
  await mesh.waitFor(
    async () => JSON.parse(await mesh.monitoring("/debug/pluginz")).length === 0,
    "all plugins to be gone",
  );
  await mesh.waitFor(async () => (await mesh.run()).pods.length === 3, "version 2 to be gone");
});

test("every section has been walked through", () => {
  expect(walk.unseen).toEqual([]);
});
