// A broken module or configuration never replaces a working one: kubectl apply refuses it; one that breaks later leaves the last
// good one in force, and the status and an Event say why.
import { chmod, copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Call, call, type Reply, tally } from "../support/http.ts";
import {
  applyMark,
  digestColumn,
  type Mark,
  markColumns,
  markField,
  markProgrammed,
  marksOf,
} from "../support/kube/marks.ts";
import { type KubeMesh, shopNamespace, startKubeMesh } from "../support/kube/mesh.ts";
import { markModule, refusedModule } from "../support/modules.ts";

const buildDir = join(import.meta.dirname, "..", "..", "build", "test");
const denied = 'admission webhook "validation.istio.io" denied the request: WasmPlugin istio-system/mark: ';

let mesh: KubeMesh;
let target: Call;
let good: Mark;
let goodColumns: string;
let dir: string;

beforeAll(async () => {
  good = { url: await markModule("a"), config: { mark: "good" } };
  goodColumns = `mark True True False 3 ${await digestColumn(good.url)}`;
  dir = await mkdtemp(join(buildDir, "bad-plugins-"));
  await chmod(dir, 0o755); // the controller is not its owner
  mesh = await startKubeMesh();
  target = { ...mesh.gateway, path: "/api/catalog" };
  await backToGood();
});
afterAll(async () => {
  await mesh?.close();
  await rm(dir, { recursive: true, force: true });
});

async function backToGood(): Promise<void> {
  expect(await applyMark(mesh, good)).toMatchObject({ code: 0, stderr: "" });
  await markProgrammed(mesh);
  await columnsAre(goodColumns);
  await marked("agood");
}

async function columnsAre(columns: string): Promise<void> {
  let now = "";
  await mesh.waitFor(
    async () => {
      now = await markColumns(mesh);
      return now === columns;
    },
    () => `kubectl to show ${columns}; it shows ${now}`,
  );
}

/** Waits until the gateway and webapp mark so. */
async function marked(text: string): Promise<void> {
  await mesh.waitFor(async () => marksOf(await call(target)).join() === `${text},${text}`, `replies marked ${text}`);
}

/** Twenty requests are answered, and marked by the gateway and webapp so. */
async function serves(text: string): Promise<void> {
  const replies: Reply[] = [];
  for (let i = 0; i < 20; i++) replies.push(await call(target));
  expect(tally(replies, (reply) => `${reply.status} ${marksOf(reply)}`)).toEqual({ [`200 ${text},${text}`]: 20 });
}

/** The Warnings about the plugin, a line each. */
const events = (): Promise<string> =>
  mesh.kubectl(
    ...["get", "events", "-n", "istio-system", "--field-selector", "involvedObject.name=mark,type=Warning"],
    ...["-o", 'jsonpath={range .items[*]}{.reason}: {.message}{"\\n"}{end}'],
  );

const message = (condition: string): Promise<string> =>
  markField(mesh, `.status.conditions[?(@.type=="${condition}")].message`);

describe("kubectl apply refuses", () => {
  test.each([
    ["garbage", async () => ({ url: await refusedModule("garbage") }), "Failed to parse corrupted Wasm module"],
    [
      "a missing import",
      async () => ({ url: await refusedModule("missing import") }),
      "missing import: env.proxy_does_not_exist",
    ],
    ["a start section", async () => ({ url: await refusedModule("start section") }), "has a start section"],
    ["a module that is not there", async () => ({ url: "file:///nowhere/x.wasm" }), "which can't be read: ENOENT"],
    [
      "a configuration that its module refuses",
      async () => ({ ...good, config: { refuse: true } }),
      "spec.pluginConfig.refuse is true: this module refuses on demand",
    ],
    ["a field that its module does not know", async () => ({ ...good, config: { wat: 1 } }), "wat is unknown"],
    ["a module that traps at its start", async () => ({ ...good, config: { trap: true } }), "unreachable"],
    ["a module that never comes to an end", async () => ({ ...good, config: { hang: true } }), "did not return"],
  ])("%s, with the reason", async (_, broken, reason) => {
    const spec = await markField(mesh, ".spec");
    const { code, stderr } = await applyMark(mesh, await broken());
    expect(code).toBe(1);
    expect(stderr).toContain(denied);
    expect(stderr).toContain(reason);
    expect(await markField(mesh, ".spec")).toBe(spec);
    expect(await markColumns(mesh)).toBe(goodColumns);
    await serves("agood");
  });
});

test("a module that turns to garbage leaves the last good one in force, says so, and heals", async () => {
  const file = join(dir, "later.wasm");
  const url = pathToFileURL(file).href;
  await copyFile(fileURLToPath(good.url), file);
  expect(await applyMark(mesh, { url, config: { mark: "later" } })).toMatchObject({ code: 0, stderr: "" });
  await markProgrammed(mesh);
  await marked("alater");
  const generation = await markField(mesh, ".metadata.generation");
  await writeFile(file, "not a module at all");
  await columnsAre(`mark False True True 3 ${await digestColumn(good.url)}`);
  expect(await message("Accepted")).toMatch(/^WasmPlugin istio-system\/mark: spec\.url is .*corrupted Wasm module/);
  await mesh.waitFor(async () => /corrupted Wasm module/.test(await events()), "the Event");
  expect(await mesh.kubectl("describe", "wasmplugin", "mark", "-n", "istio-system")).toContain("corrupted Wasm module");
  await serves("alater");
  const healed = await markModule("b");
  await copyFile(fileURLToPath(healed), file);
  await columnsAre(`mark True True False 3 ${await digestColumn(healed)}`);
  await marked("blater");
  expect(await markField(mesh, ".metadata.generation")).toBe(generation);
  await backToGood();
});

test("what only Envoy refuses is told with the proxy's name and its words", async () => {
  const late = { ...good, config: { refuseOnEnvoy: true } };
  expect(await applyMark(mesh, late)).toMatchObject({ code: 0, stderr: "" });
  await columnsAre(`mark True False True 3 ${await digestColumn(good.url)}`);
  const refusal =
    /(catalog|webapp|istio-ingressgateway)-\S+\.(istioinaction|istio-system)\b.*Unable to create Wasm plugin/;
  expect(await message("Degraded")).toMatch(refusal);
  await mesh.waitFor(async () => /^Refused: /m.test(await events()) && refusal.test(await events()), "the Event");
  await serves("agood");
  await backToGood();
});

describe("a VirtualService", () => {
  const apply = (spec: object) => {
    const metadata = { name: "bad", namespace: shopNamespace };
    const object = { apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata, spec };
    return mesh.kubectl.attempt(["apply", "-f", "-"], JSON.stringify(object));
  };

  const destination = { host: "catalog" };
  test.each([
    ["spec.http[0].timeout", { timeout: "10", route: [{ destination }] }],
    ["spec.http[0].route[0].weight", { route: [{ destination, weight: -1 }] }],
    [
      "spec.http[0].route[0].destination.port.number",
      { route: [{ destination: { ...destination, port: { number: 70000 } } }] },
    ],
  ])("is refused with the path of what is wrong, %s", async (path, route) => {
    const { code, stderr } = await apply({ hosts: ["catalog"], http: [route] });
    expect(code).toBe(1);
    expect(stderr).toContain(path);
    expect(await mesh.shop("get", "virtualservices", "-o", "name")).not.toContain("/bad");
  });

  test("that leads nowhere yet is taken with a warning, which its status keeps; its neighbours are accepted", async () => {
    const { code, stderr } = await apply({
      hosts: ["nobody"],
      http: [{ route: [{ destination: { host: "nobody" } }] }],
    });
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^Warning: VirtualService istioinaction\/bad: spec\.http\[0\]\.route\[0\]\.destination\.host is "nobody"/m,
    );
    const accepted = (is: string, ...objects: readonly string[]) =>
      mesh.shop("wait", `--for=condition=Accepted=${is}`, ...objects, "--timeout=20s");
    await accepted("False", "virtualservice/bad");
    await accepted("True", "virtualservice/webapp-virtualservice", "gateway/outfitters-gateway");
    const text = 'jsonpath={.status.conditions[?(@.type=="Accepted")].message}';
    expect(await mesh.shop("get", "virtualservice", "bad", "-o", text)).toContain('destination.host is "nobody"');
    await mesh.shop("delete", "virtualservice", "bad");
  });
});
