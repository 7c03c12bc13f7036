// `sluice analyze` as a shell sees it: files, a cluster and its controllers in, lines and exit code out.
import type { Server } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Problem } from "../model/problem.ts";
import type { AnalyzeDeps } from "./analyze.ts";
import { fakeApi, fakeServer, type Named, type Outcome, portOf, sluice as shell } from "./test-support/shell.ts";

const virtualService = (name: string, host: string, more = "") => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}}
spec:
  hosts: [${name}]
  http:
  - route:
    - destination: {host: ${host}}
${more}`;

const budget = `
apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: {name: budget, namespace: shop}
spec: {url: "file:///budget.wasm"}
`;

const entry = `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: catalog}
spec: {hosts: [catalog.example.org], ports: [{name: http, number: 80, protocol: HTTP}], resolution: DNS}
`;

const files: Readonly<Record<string, string>> = {
  "good.yaml": virtualService("web", "catalog.example.org", entry),
  "slip.yaml": virtualService("web", "catalog", "    retries: {attempts: many}\n"),
  "lost.yaml": virtualService("web", "catalog"),
  "odd.yaml": `${virtualService("web", "catalog", "    fault: {}\n")}---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: x}\n`,
  "torn.yaml": "a: [1\nb: 2\n",
  "plugin.yaml": budget,
};

/** On a machine without a mesh, and without a cluster where `world` has none. */
function sluice(args: string, world: Partial<AnalyzeDeps> = {}): Promise<Outcome> {
  const readFiles: AnalyzeDeps["readFiles"] = async (path) => {
    const text = files[path];
    if (text === undefined) throw new Error(`ENOENT: no such file or directory, stat '${path}'`);
    return [{ file: path, text }];
  };
  return shell(args, { readFiles, ...world });
}

const lost = (host: string) =>
  `spec.http[0].route[0].destination.host is "catalog": Referenced host not found: "catalog": there is no Service or ServiceEntry for ${host}`;
const found = (what: string) => `Error: Analyzers found issues when analyzing ${what}.\n`;

describe("files alone", () => {
  test.each([
    ["good.yaml", 0, "", "✔ No validation issues found when analyzing good.yaml.\n"],
    [
      "slip.yaml good.yaml",
      79,
      `Error [SLU0002] (good.yaml:4:18) VirtualService default/web stands already in slip.yaml:4:18, and that one counts; remove one of them\nError [IST0106] (VirtualService default/web slip.yaml:10:25) spec.http[0].retries.attempts is "many": must be a number\n`,
      found("slip.yaml, good.yaml"),
    ],
    [
      "lost.yaml -n shop",
      79,
      `Error [IST0101] (VirtualService shop/web lost.yaml:9:27) ${lost("catalog.shop.svc.cluster.local")}\n`,
      found("lost.yaml"),
    ],
    [
      "torn.yaml",
      65,
      "Error [SLU0001] (torn.yaml:2:1) can't be read as YAML: flow sequence in block collection must be sufficiently indented and end with a ]\n",
      "Error: Some files couldn't be parsed.\n",
    ],
    ["none.yaml", 1, "", "Error: ENOENT: no such file or directory, stat 'none.yaml'\n"],
  ])("%s ends with %i", async (args, code, out, err) => {
    expect(await sluice(`analyze ${args}`)).toEqual({ code, out, err });
  });

  test("thresholds say what is printed and what fails; a kind that concerns no mesh is no news", async () => {
    const { code, out } = await sluice("analyze odd.yaml");
    expect({ code, levels: out.match(/^\w+/gm) }).toEqual({ code: 79, levels: ["Error", "Warning"] });
    const warned = await sluice("analyze odd.yaml --output-threshold Error");
    expect(warned.out.match(/^\w+/gm)).toEqual(["Error"]);
    expect(await sluice("analyze good.yaml --failure-threshold Info")).toMatchObject({ code: 0 });
  });

  test("a plugin's module is tried out, and the words are those of the check", async () => {
    const problem: Problem = {
      severity: "error",
      code: "SLU0101",
      object: { kind: "WasmPlugin", namespace: "shop", name: "budget" },
      path: ["spec", "url"],
      message: "can't be read",
    };
    const tryModules: AnalyzeDeps["tryModules"] = async (plugins) => plugins.map(() => problem);
    expect(await sluice("analyze plugin.yaml", { tryModules })).toMatchObject({
      code: 79,
      out: "Error [SLU0101] (WasmPlugin shop/budget plugin.yaml:5:13) spec.url can't be read\n",
    });
  });

  test("-o json has istioctl's fields, and its exit code", async () => {
    const { code, out } = await sluice("analyze lost.yaml -o json");
    expect({ code, problems: JSON.parse(out) }).toEqual({
      code: 0,
      problems: [
        {
          code: "IST0101",
          level: "Error",
          origin: "VirtualService default/web",
          reference: "lost.yaml:9:27",
          message: lost("catalog.default.svc.cluster.local"),
        },
      ],
    });
  });
});

describe("in a cluster", () => {
  const catalog = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "catalog", namespace: "istioinaction" },
    spec: { ports: [{ name: "http", port: 80 }] },
  };
  const rule = (subset: string) => ({
    apiVersion: "networking.istio.io/v1",
    kind: "DestinationRule",
    metadata: { name: "catalog", namespace: "istioinaction" },
    spec: { host: "catalog", subsets: [{ name: subset, labels: {} }] },
  });
  const routed = {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: "catalog", namespace: "istioinaction" },
    spec: {
      hosts: ["catalog"],
      http: [
        { route: [{ destination: { host: "catalog", subset: "v1" } }], match: [{ port: 80 }] },
        { route: [{ destination: { host: "gone" } }] },
      ],
    },
  };
  const problem = (namespace: string): Problem => ({
    severity: "warning",
    code: "IST0127",
    object: { kind: "Sidecar", namespace, name: "web" },
    path: ["spec", "workloadSelector", "labels"],
    message: "matches nothing",
  });
  let controller: Server;
  beforeAll(async () => {
    const problems = [problem("istioinaction"), problem("shop")];
    controller = await fakeServer({ port: 0 }, { "/debug/problemz": JSON.stringify(problems) });
  });
  afterAll(() => void controller.close());

  function inCluster(args: string, objects: readonly Named[] = []): Promise<Outcome> {
    const pod = { metadata: { name: "sluice-1", namespace: "istio-system" }, spec: { containers: [] } };
    const pods = { "istio-system app=sluice": [pod, { ...pod, metadata: { ...pod.metadata, name: "sluice-2" } }] };
    const api = fakeApi(pods, () => portOf(controller), objects);
    return sluice(args, { kubeconfig: () => "~/.kube/config", kubeApi: async () => api });
  }

  const line = (namespace: string) =>
    `Warning [IST0127] (Sidecar ${namespace}/web) spec.workloadSelector.labels matches nothing\n`;

  test.each([
    ["", 0, line("istioinaction"), ""],
    ["-n shop --failure-threshold Warning", 79, line("shop"), found("namespace: shop")],
    ["-n quiet", 0, "", "✔ No validation issues found when analyzing namespace: quiet.\n"],
    ["-A", 0, line("istioinaction") + line("shop"), ""],
  ])("what the controllers know of it, once: analyze %s", async (args, code, out, err) => {
    expect(await inCluster(`analyze ${args}`.trim())).toEqual({ code, out, err });
  });

  test("files refer to what is there, in the namespace of the context", async () => {
    expect(await inCluster("analyze lost.yaml", [catalog])).toMatchObject({ code: 0, out: "" });
    expect(await inCluster("analyze lost.yaml --use-kube=false", [catalog])).toMatchObject({ code: 79 });
    expect((await inCluster("analyze lost.yaml -n shop", [catalog])).out).toContain("catalog.shop.svc.cluster.local");
  });

  test("what files break of others is said, and not what was broken before", async () => {
    const readFiles: AnalyzeDeps["readFiles"] = async (file) => [{ file, text: JSON.stringify(rule("v2")) }];
    const api = fakeApi({}, () => 1, [catalog, rule("v1"), routed]);
    const { out } = await sluice("analyze rule.json", {
      readFiles,
      kubeconfig: () => "here",
      kubeApi: async () => api,
    });
    expect(out).toMatch(/^Error \[IST0101\] \(VirtualService istioinaction\/catalog\) .*v1/m);
    expect(out).not.toContain("gone");
    const again: AnalyzeDeps["readFiles"] = async (file) => [{ file, text: JSON.stringify(routed) }];
    const world = { readFiles: again, kubeconfig: () => "here", kubeApi: async () => api };
    expect((await sluice("analyze applied.json", world)).out).toContain("gone"); // it is the file's own
  });

  test("a module of file:// is the controller's, and is not looked for here", async () => {
    const tried: string[] = [];
    const tryModules: AnalyzeDeps["tryModules"] = async (plugins) => {
      tried.push(...plugins.map(({ spec }) => spec.url));
      return [];
    };
    const api = fakeApi({}, () => 1, [catalog]);
    const world = { tryModules, kubeconfig: () => "here", kubeApi: async () => api };
    await sluice("analyze plugin.yaml", world);
    expect(tried).toEqual([]);
    await sluice("analyze plugin.yaml --use-kube=false", world);
    expect(tried).toEqual(["file:///budget.wasm"]);
  });
});
