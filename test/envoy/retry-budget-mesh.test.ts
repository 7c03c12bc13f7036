import { afterAll, beforeAll, expect, test } from "vitest";
import { type Call, call, startLoad, tally } from "../support/http.ts";
import { startMesh, type TestMesh } from "../support/mesh.ts";
import { gatewayTo, virtualService, workload } from "../support/yaml.ts";
import { attachBudget, countOf, retries } from "./retry-budget-fixture.ts";

// The retry budget as the controller delivers it: at a client, at a server, at the gateway, and changed while it serves.
// Calls ask catalog for a 503, which their route retries three times; one window lasts longer than the tests.

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
const strict = `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec:
  mtls: {mode: STRICT}
`;

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
  const marks = tally(replies, ({ headers }) => headers["x-retry-budget"]);
  return { reached: await countOf(mesh, "catalog", path), marks };
}

/** Of 20 calls at 50 %; a call that had all of its four attempts leaves the rest to none. */
function expectHalf({ reached, marks }: Awaited<ReturnType<typeof failingCalls>>): void {
  expect(reached).toBe(30);
  expect(marks["exhausted"]).toBeGreaterThan(10);
}

test("a client's sidecar: retries are half of its calls", async () => {
  await attachBudget(mesh, "webapp", { percent: 50 });
  expectHalf(await failingCalls(webapp, 20));
});

test("the gateway: retries are half of its calls", async () => {
  await attachBudget(mesh, "istio-ingressgateway", { percent: 50 });
  expectHalf(await failingCalls(edge, 20));
});

test("the gateway: a stamp from outside is no help against the server's budget", async () => {
  await attachBudget(mesh, "catalog", { percent: 0 });
  const path = `/status/503/${++paths}`;
  const reply = await call({ ...edge, path, headers: { "x-retry-budget": "v1" } });
  expect([reply.status, reply.headers["x-retry-budget"]]).toEqual([503, "exhausted"]);
  expect(await countOf(mesh, "catalog", path)).toBe(1);
});

test("a swap of its configuration under load fails no request and keeps what was counted", async () => {
  const { change } = await attachBudget(mesh, "webapp", { percent: 0, minRetries: 4 });
  const load = startLoad({ ...webapp, path: "http://catalog.shop/fine", connections: 4 });
  await mesh.waitFor(() => load.count() > 20, "the load to run");
  expect((await failingCalls(webapp, 4)).reached).toBe(8);
  for (const minRetries of [5, 6, 7, 8]) {
    await change({ percent: 0, minRetries });
    expect((await failingCalls(webapp, 2)).reached).toBe(3); // one retry more in all of the window, and no more
  }
  const { replies, broken } = await load.stop();
  expect(broken).toEqual([]);
  expect(tally(replies, ({ status }) => status)).toEqual({ 200: replies.length });
});

test("a server's sidecar, behind mutual TLS: it defends itself against callers that have no budget", async () => {
  const { ip } = await mesh.pod("catalog");
  const inPlainText = () => call({ host: ip, port: 8080 });
  expect((await inPlainText()).status).toBe(200);
  await mesh.apply("strict.yaml", strict);
  const isRefused = () =>
    inPlainText().then(
      () => false,
      ({ code }: NodeJS.ErrnoException) => code === "ECONNRESET", // somebody listens
    );
  await mesh.waitFor(isRefused, "catalog to refuse plain text");
  await attachBudget(mesh, "catalog", { percent: 25 });
  for (const caller of [webapp, edge]) {
    const path = `/status/503/${++paths}`;
    const url = caller === webapp ? `http://catalog.shop${path}` : path;
    const replies = [];
    for (let i = 0; i < 20; i++) replies.push(await call({ ...caller, path: url }));
    expect(tally(replies, ({ status }) => status)).toEqual({ 503: 20 });
    const counts = JSON.parse((await call({ ...webapp, path: "http://catalog.shop/counts" })).body);
    expect(counts[path]).toBe(25);
  }
});
