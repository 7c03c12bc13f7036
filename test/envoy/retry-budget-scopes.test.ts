import { afterAll, beforeAll, expect, test } from "vitest";
import { type Call, call, type Reply } from "../support/http.ts";
import { startMesh, type TestMesh } from "../support/mesh.ts";
import { alias, virtualService, workload } from "../support/yaml.ts";
import { attachBudget, countOf, retries } from "./retry-budget-fixture.ts";

// What the settings of a retry budget do in a mesh: whose it is, which retries are the application's, what is refused. webapp
// calls catalog, which has more names than one.

const routesMax = 300;
const numbers = Array.from({ length: routesMax }, (_, i) => i);

/** A VirtualService whose routes have names and paths of their own. */
function named(service: string, routes: readonly (readonly [name: string, path: string, retries: string])[]): string {
  const all = routes.map(
    ([name, path, retries]) => `
  - name: ${name}
    match: [{uri: {prefix: ${path}}}]
    route: [{destination: {host: ${service}}}]
    ${retries}`,
  );
  return virtualService(service, "").replace(/ {2}- route(.|\n)*$/, all.join("").slice(1));
}

/** A name outside of the mesh at which nobody listens. */
const gone = `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: gone, namespace: shop}
spec:
  hosts: [gone.example.com]
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP, targetPort: 9}]
  endpoints: [{address: 127.0.0.1}]
`;

let mesh: TestMesh;
let webapp: Call;

beforeAll(async () => {
  mesh = await startMesh({
    "catalog.yaml": workload("catalog"),
    "webapp.yaml": workload("webapp"),
    "other.yaml": alias("other", "catalog"),
    "gone.yaml": gone,
    "gone-routes.yaml": virtualService("gone.example.com", retries.replace("5xx", "connect-failure")).replace(
      "name: gone.example.com",
      "name: gone",
    ),
    "many.yaml": alias("many", "catalog"),
    "patient.yaml": alias("patient", "catalog"),
    "other-routes.yaml": virtualService("other", retries),
    "many-routes.yaml": named(
      "many",
      numbers.map((i) => [`route-${i}`, `/route/${i}/`, retries]),
    ),
    "catalog-routes.yaml": named("catalog", [
      ["red", "/status/503/red", retries],
      ["blue", "/status/503/blue", retries],
      ["all", "/", retries],
    ]),
    "patient-routes.yaml": named("patient", [
      ["waits", "/status/503/waits", retries.replace("}", ", backoff: 3600s}")],
      ["all", "/", retries],
    ]),
  });
  webapp = await mesh.httpProxy("webapp");
});
afterAll(() => mesh?.stop());

const get = (service: string, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Reply> =>
  call({ ...webapp, path: `http://${service}.shop${path}`, headers });

/** How often catalog is asked at a call that fails. */
async function attempts(service: string, path: string): Promise<number> {
  const before = await countOf(mesh, "catalog", path);
  expect((await get(service, path)).status).toBe(503);
  return (await countOf(mesh, "catalog", path)) - before;
}

/** Of retries, by the scopes of the metric. */
async function retriesOf(scopes: readonly string[]): Promise<readonly number[]> {
  const name = (scope: string) => `wasmcustom.scope=.=${scope};.;retry_budget_retries_total`;
  return Promise.all(scopes.map((scope) => mesh.stat("webapp", name(scope))));
}

const [catalog, other, patient] = ["catalog", "other", "patient"].map(
  (name) => `outbound|80||${name}.shop.svc.cluster.local`,
);
const host = "catalog.shop.svc.cluster.local:80";

test.each`
  per              | first                             | second                             | scopes
  ${"destination"} | ${["catalog", "/status/503"]}     | ${["other", "/status/503"]}        | ${[catalog, other]}
  ${"route"}       | ${["catalog", "/status/503/red"]} | ${["catalog", "/status/503/blue"]} | ${[`${host}/red`, `${host}/blue`]}
`("per $per, budgets of $scopes", async ({ per, first, second, scopes }) => {
  await attachBudget(mesh, "webapp", { per, percent: 0, minRetries: 1 });
  expect([await attempts(first[0], first[1]), await attempts(second[0], second[1])]).toEqual([2, 2]);
  expect([await attempts(first[0], first[1]), await attempts(second[0], second[1])]).toEqual([1, 1]);
  expect(await retriesOf(scopes)).toEqual([1, 1]);
});

test("per proxy, one for all that it calls", async () => {
  await attachBudget(mesh, "webapp", { per: "proxy", percent: 0, minRetries: 1 });
  expect([await attempts("catalog", "/status/503"), await attempts("other", "/status/503")]).toEqual([2, 1]);
  expect(await retriesOf(["outbound"])).toEqual([1]);
});

test("routes beyond 256 share budgets, and that is counted", async () => {
  await attachBudget(mesh, "webapp", { per: "route", percent: 0, minRetries: 1 });
  for (const i of numbers) expect((await get("many", `/route/${i}/`)).status).toBe(200);
  expect(await mesh.stat("webapp", "wasmcustom.retry_budget_collisions_total")).toBe(routesMax - 256);
});

test("retries that the application marks draw on its own budget, and are no calls, nor are they at the server", async () => {
  await attachBudget(mesh, "all", { percent: 0, minRetries: 1, retryHeader: "x-again" });
  const calls = () => mesh.stat("catalog", "wasmcustom.scope=.=inbound|8080||;.;retry_budget_calls_total");
  const [first, second] = [
    await get("catalog", "/", { "x-again": "1" }),
    await get("catalog", "/", { "x-again": "1" }),
  ];
  expect(first.status).toBe(200);
  expect(JSON.parse(first.body).headers).not.toHaveProperty("x-retry-budget");
  expect(JSON.parse(first.body).headers).not.toHaveProperty("x-envoy-attempt-count");
  expect(second).toMatchObject({ status: 503, body: "retry budget exhausted" });
  expect(second.headers["x-retry-budget"]).toBe("exhausted");
  expect(await calls()).toBe(0);
  expect((await get("catalog", "/")).status).toBe(200);
  expect(await calls()).toBe(1);
});

test("attempts that reach nobody cost no more than the budget, and then are answered", async () => {
  await attachBudget(mesh, "webapp", { percent: 0, minRetries: 3 });
  const replies = [];
  for (let i = 0; i < 4; i++) replies.push(await call({ ...webapp, path: "http://gone.example.com/" }));
  const outcome = ({ status, headers, body }: Reply) => [status, headers["x-retry-budget"], body];
  const unretried = [503, "exhausted", "retry budget exhausted"];
  const failed = [503, undefined, expect.stringContaining("upstream connect error")];
  expect(replies.map(outcome)).toEqual([failed, unretried, unretried, unretried]);
  expect(await retriesOf(["outbound|80||gone.example.com"])).toEqual([3]);
});

test("a reservation of a caller who leaves before its retry is given back", async () => {
  await attachBudget(mesh, "webapp", { percent: 0, minRetries: 1 });
  const leaving = new AbortController();
  const path = "http://patient.shop/status/503/waits"; // for its retry, up to an hour
  const left = call({ ...webapp, path, signal: leaving.signal }).catch(() => "left");
  const used = `wasmcustom.scope=.=${patient};.;retry_budget_used_percent`;
  await mesh.waitFor(async () => (await mesh.stat("webapp", used)) === 100, "its retry to be reserved");
  expect(await attempts("patient", "/status/503")).toBe(1);
  leaving.abort();
  expect(await left).toBe("left");
  await mesh.waitFor(async () => (await attempts("patient", "/status/503")) === 2, "another request to have the retry");
});

test("a setting out of its range is refused by its name, and the last good ones stay", async () => {
  const budget = await attachBudget(mesh, "webapp", { percent: 0, minRetries: 2 });
  expect(await attempts("catalog", "/status/503")).toBe(3);
  await budget.apply({ percent: 1001, minRetries: 9 });
  await mesh.waitFor(
    async () => /percent is 1001/.test(await mesh.monitoring("/debug/pluginz")),
    "the status to name the field",
  );
  expect(await attempts("catalog", "/status/503")).toBe(1);
});
