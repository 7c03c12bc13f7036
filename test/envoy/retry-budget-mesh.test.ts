import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Call, call, startLoad, tally } from "../support/http.ts";
import { startMesh, type TestMesh } from "../support/mesh.ts";
import { gatewayTo, virtualService, wasmPlugin, workload } from "../support/yaml.ts";

// The retry budget as the controller delivers it: at a client, at a server, at the gateway, and changed while it serves.
// Calls ask catalog for a 503, which their route retries three times; one window lasts longer than the tests.

const retries = "retries: {attempts: 3, retryOn: 5xx, perTryTimeout: 5s}";

let mesh: TestMesh;
let webapp: Call;
let edge: Call;

beforeAll(async () => {
  mesh = await startMesh({
    "catalog.yaml": workload("catalog"),
    "webapp.yaml": workload("webapp"),
    "vs.yaml": virtualService("catalog", retries),
    "edge.yaml": gatewayTo("catalog").replace(/^ {2}- route.*$/m, `$&\n    ${retries}`),
  });
  webapp = await mesh.httpProxy("webapp");
  edge = await mesh.gateway();
});
afterAll(() => mesh?.stop());
afterEach(async () => {
  await mesh.remove("budget.yaml");
  await mesh.waitFor(async () => (await mesh.plugin("shop/budget")) === undefined, "the plugin to be gone");
});

/** Attaches the budget, or changes it, and waits until Envoy has it. */
async function budget(where: { workload: string; app?: string }, config: Readonly<Record<string, unknown>>) {
  const whole = { window: "10m", minRetries: 0, ...config };
  const yaml = wasmPlugin({
    ...{ name: "budget", url: "builtin://retry-budget", config: whole },
    ...(where.app === undefined
      ? { spec: { selector: { matchLabels: { istio: "ingressgateway" } } } }
      : { app: where.app }),
  });
  await mesh.apply(
    "budget.yaml",
    where.app === undefined ? yaml.replace("namespace: shop", "namespace: istio-system") : yaml,
  );
  const wanted = JSON.stringify(JSON.stringify(whole)).slice(1, -1);
  await mesh.waitFor(
    async () => (await mesh.admin(where.workload, "/config_dump?resource=ecds_filters")).includes(wanted),
    `${where.workload} to have ${wanted}`,
  );
}

let paths = 0;

/** Calls to a path of their own that fail, and how often it was asked for at catalog. */
async function failingCalls(from: Call, count: number): Promise<{ reached: number; marks: Record<string, number> }> {
  const path = `/status/503/${++paths}`;
  const url = from === webapp ? `http://catalog.shop${path}` : path;
  const replies = [];
  for (let i = 0; i < count; i++) replies.push(await call({ ...from, path: url }));
  expect(tally(replies, ({ status, body }) => `${status} ${body.replace(/-.*/, "")}`)).toEqual({
    "503 status 503 of catalog": count,
  });
  const counts = JSON.parse((await call({ ...webapp, path: "http://catalog.shop/counts" })).body);
  return { reached: counts[path], marks: tally(replies, ({ headers }) => headers["x-retry-budget"]) };
}

test("a client's sidecar: retries are half of its calls", async () => {
  await budget({ workload: "webapp", app: "webapp" }, { percent: 50 });
  const { reached, marks } = await failingCalls(webapp, 20);
  expect(reached).toBeLessThanOrEqual(30);
  expect(reached).toBeGreaterThan(27);
  expect(marks["exhausted"]).toBeGreaterThan(10);
});

test("a swap of its configuration under load fails no request and keeps what was counted", async () => {
  await budget({ workload: "webapp", app: "webapp" }, { percent: 0, minRetries: 4 });
  const load = startLoad({ ...webapp, path: "http://catalog.shop/fine", connections: 4 });
  await mesh.waitFor(() => load.count() > 20, "the load to run");
  expect((await failingCalls(webapp, 4)).reached).toBe(8);
  for (const minRetries of [5, 6, 7, 8]) {
    await budget({ workload: "webapp", app: "webapp" }, { percent: 0, minRetries });
    expect((await failingCalls(webapp, 2)).reached).toBe(3); // one retry more in all of the window, and no more
  }
  const { replies, broken } = await load.stop();
  expect(broken).toEqual([]);
  expect(tally(replies, ({ status }) => status)).toEqual({ 200: replies.length });
});

test("a server's sidecar: it defends itself against a caller that has no budget", async () => {
  await budget({ workload: "catalog", app: "catalog" }, { percent: 25 });
  const path = `/status/503/${++paths}`;
  const replies = [];
  for (let i = 0; i < 20; i++) replies.push(await call({ ...webapp, path: `http://catalog.shop${path}` }));
  expect(tally(replies, ({ status }) => status)).toEqual({ 503: 20 });
  const counts = JSON.parse((await call({ ...webapp, path: "http://catalog.shop/counts" })).body);
  expect(counts[path]).toBe(25);
});

test("the gateway: retries are half of its calls", async () => {
  await budget({ workload: "istio-ingressgateway" }, { percent: 50 });
  const { reached } = await failingCalls(edge, 20);
  expect(reached).toBeLessThanOrEqual(30);
  expect(reached).toBeGreaterThan(27);
});
