import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Call, call, type Reply } from "../support/http.ts";
import { startMesh, type TestMesh } from "../support/mesh.ts";
import { markModule, refusedModule } from "../support/modules.ts";
import { wasmPlugin, workload } from "../support/yaml.ts";

// A broken module or configuration never replaces a working one, and its status says why.

let mesh: TestMesh;
let target: Call;
let good: string;

beforeAll(async () => {
  good = await markModule("a");
  mesh = await startMesh({ "catalog.yaml": workload("catalog"), "mark.yaml": plugin({ mark: "good" }) });
  const { ip } = await mesh.pod("catalog");
  target = { host: ip, port: 8080 };
  await marked("agood");
});
afterAll(() => mesh?.stop());

const plugin = (config: Readonly<Record<string, unknown>>, url = good): string =>
  wasmPlugin({ name: "mark", url, app: "catalog", config });

async function marked(mark: string): Promise<void> {
  await mesh.waitFor(async () => (await call(target)).headers["x-mark"] === mark, `responses marked ${mark}`);
}

/** All that the plugin's status says. */
const statusText = async (): Promise<string> => JSON.stringify(await mesh.plugin("shop/mark"));

async function backToGood(): Promise<void> {
  await mesh.apply("mark.yaml", plugin({ mark: "good" }));
  await mesh.waitFor(async () => {
    const conditions = (await mesh.plugin("shop/mark"))?.conditions ?? [];
    return (
      conditions.length > 0 && conditions.every(({ type, status }) => (status === "True") === (type !== "Degraded"))
    );
  }, "the plugin to be healthy again");
}

describe("the last good filter serves on, and the status names the reason", () => {
  test.each([
    ["garbage bytes", async () => plugin({}, await refusedModule("garbage")), /Failed to parse corrupted Wasm module/],
    [
      "a missing import",
      async () => plugin({}, await refusedModule("missing import")),
      /missing import: env\.proxy_does_not_exist/,
    ],
    ["a start section", async () => plugin({}, await refusedModule("start section")), /has a start section/],
    ["a refused configuration", async () => plugin({ refuse: true }), /refuse is true: this module refuses on demand/],
    ["a field that is not known", async () => plugin({ wat: 1 }), /wat is unknown/],
    [
      "a module that never returns from on_configure",
      async () => plugin({ hang: true }),
      /did not return .* within 2 s/,
    ],
    ["a module that is not there", async () => plugin({}, "file:///nowhere/x.wasm"), /can't be read: ENOENT/],
    [
      "what only Envoy refuses",
      async () => plugin({ refuseOnEnvoy: true }),
      /"proxy":"catalog-[^"]*\.shop","slot":"(in|out)bound\/unspecified","reason":"Unable to create Wasm plugin shop\.mark/,
    ],
  ])("%s", async (_, yaml, reason) => {
    await mesh.apply("mark.yaml", await yaml());
    await mesh.waitFor(async () => reason.test(await statusText()), "the reason in the status");
    const replies: Reply[] = [];
    for (let i = 0; i < 20; i++) replies.push(await call(target));
    expect(new Set(replies.map(({ status, headers }) => `${status} ${headers["x-mark"]}`))).toEqual(
      new Set(["200 agood"]),
    );
    await backToGood();
  });
});

test("a trap costs its request and recovers by itself", async () => {
  const trapped = await call({ ...target, headers: { "x-trap": "1" } });
  expect(trapped.status).toBe(503);
  await mesh.waitFor(async () => {
    const replies = await Promise.all(Array.from({ length: 20 }, () => call(target))); // every worker has its own VM
    return replies.every(({ status, headers }) => status === 200 && headers["x-mark"] === "agood");
  }, "every worker to serve again");
});

test("a bad object in a file leaves its neighbours alone", async () => {
  await mesh.apply(
    "late.yaml",
    `${workload("late")}---\nkind: VirtualService\napiVersion: networking.istio.io/v1\nmetadata: {name: bad, namespace: shop}\nspec: {hosts: [late], http: [{timeout: 10}]}\n`,
  );
  await mesh.waitFor(
    () => /late\.yaml:\d+:\d+ VirtualService shop\/bad: spec\.http\[0\]\.timeout /.test(mesh.output()),
    "the problem to be printed",
  );
  await mesh.waitFor(
    async () => (await mesh.admin("catalog", "/clusters")).includes("late.shop"),
    "the new service to arrive",
  );
});
