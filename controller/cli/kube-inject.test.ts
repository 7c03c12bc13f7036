import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { injectPod } from "../inject/inject-pod.ts";
import { defaultSettings } from "../model/mesh.ts";
import { fieldsOf } from "../model/raw-object.ts";
import { injectDocuments } from "./inject-documents.ts";
import { registerKubeInject } from "./kube-inject.ts";
import { execute, newProgram } from "./program.ts";

const surroundings = { settings: defaultSettings, images: { sluice: "sluice:test", envoy: "envoy:test" } };

/** What stands at a path of a value. */
function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (parent, key) => (Array.isArray(parent) ? parent[Number(key)] : fieldsOf(parent)[key]),
    value,
  );
}

const template = `{metadata: {labels: {app: cart}}, spec: {containers: [{name: cart, image: "cart:1"}]}}`;

describe("a file", () => {
  const text = readFileSync(`${import.meta.dirname}/testdata/kube-inject.yaml`, "utf8");
  const injected = injectDocuments(text, surroundings);

  test("has its Deployment injected, and all else keeps its bytes", () => {
    const bootstraps = injected.text.replaceAll(/"\{\\"node\\":.*"$/gm, '"(bootstrap)"');
    return expect(bootstraps).toMatchFileSnapshot("testdata/kube-inject.out.yaml");
  });

  test("keeps a number that JavaScript can't hold, and what an alias stands for", () => {
    expect(injected.text).toContain("big: 12345678901234567890\n");
    const [, , , aliased] = parseAllDocuments(injected.text, { merge: true }).map((document) => document.toJS());
    expect(at(aliased, "spec", "template", "metadata", "labels")).toMatchObject({
      app: "aliased",
      "security.istio.io/tlsMode": "istio",
    });
    expect(at(aliased, "spec", "selector", "matchLabels")).toEqual({ app: "aliased" });
  });

  test("says what it left as it was, and what is odd", () => {
    expect(injected.warnings).toEqual([
      "Pod shop/host: stays as it is: it has the network of its host, whose traffic must not be redirected",
      "Job report: a Job's pod does not complete, since its proxy runs on; set annotation sidecar.istio.io/nativeSidecar to true",
    ]);
  });

  test("does not change a second time", () => {
    expect(injectDocuments(injected.text, surroundings).text).toBe(injected.text);
  });
});

describe("the pod of", () => {
  test.each`
    kind                       | apiVersion    | path
    ${"Deployment"}            | ${"apps/v1"}  | ${["template"]}
    ${"StatefulSet"}           | ${"apps/v1"}  | ${["template"]}
    ${"DaemonSet"}             | ${"apps/v1"}  | ${["template"]}
    ${"ReplicaSet"}            | ${"apps/v1"}  | ${["template"]}
    ${"ReplicationController"} | ${"v1"}       | ${["template"]}
    ${"Job"}                   | ${"batch/v1"} | ${["template"]}
    ${"CronJob"}               | ${"batch/v1"} | ${["jobTemplate", "spec", "template"]}
  `("a $kind", ({ kind, apiVersion, path }) => {
    const spec = path.reduceRight((inner: string, key: string) => `{${key}: ${inner}}`, template);
    const { text } = injectDocuments(
      `{apiVersion: ${apiVersion}, kind: ${kind}, metadata: {name: cart}, spec: ${spec}}`,
      surroundings,
    );
    const containers = at(parse(text), "spec", ...path, "spec", "containers");
    expect(containers).toMatchObject([{ name: "cart" }, { name: "istio-proxy" }]);
    expect(at(containers, 1, "args", 15)).toContain(`/${kind.toLowerCase()}s/cart`);
  });

  test("a Deployment of another group's is not known", () => {
    const text = `{apiVersion: example.com/v1, kind: Deployment, spec: {template: ${template}}}`;
    expect(injectDocuments(text, surroundings)).toEqual({ text, warnings: [], problems: [] });
  });

  test("a List in JSON, which stays JSON", () => {
    const items = [
      { kind: "ConfigMap", apiVersion: "v1" },
      { kind: "Pod", apiVersion: "v1", ...parse(template) },
    ];
    const { text } = injectDocuments(JSON.stringify({ kind: "List", apiVersion: "v1", items }), surroundings);
    expect(at(JSON.parse(text), "items", 1, "spec", "containers")).toMatchObject([
      { name: "cart" },
      { name: "istio-proxy" },
    ]);
  });

  test("a Deployment is what the webhook makes of the pod that comes of it", () => {
    const deployment = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: cart, namespace: shop}, spec: {template: ${template}}}`;
    const offline = at(parse(injectDocuments(deployment, surroundings).text), "spec", "template");
    const { metadata, spec } = parse(template);
    const hash = { "pod-template-hash": "5d" };
    const labels = { ...metadata.labels, ...hash };
    const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "cart-5d", controller: true };
    const pod = { metadata: { generateName: "cart-5d-", namespace: "shop", labels, ownerReferences: [owner] }, spec };
    const namespace = { name: "shop", labels: { "istio-injection": "enabled" } };
    const webhook = injectPod({ ...surroundings, pod, namespace });
    if (webhook.outcome !== "injected") throw new Error(webhook.outcome);
    const withoutHash = JSON.stringify(webhook.pod["spec"]).replaceAll(/\\"pod-template-hash\\":\\"5d\\",/g, "");
    expect(at(offline, "spec")).toEqual(JSON.parse(withoutHash));
    expect(at(webhook.pod, "metadata", "labels")).toEqual({ ...fieldsOf(at(offline, "metadata", "labels")), ...hash });
    expect(at(webhook.pod, "metadata", "annotations")).toEqual(at(offline, "metadata", "annotations"));
  });
});

describe("sluice kube-inject", () => {
  const written = { out: "", err: "", file: "" };
  const files: Readonly<Record<string, string>> = {
    "pod.yaml": `apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {sidecar.istio.io/inject: "false"}}\n`,
    "broken.yaml": "a: [1\n",
    "bad.yaml": `{apiVersion: v1, kind: Pod, metadata: {name: p, annotations: {sidecar.istio.io/proxyCPU: much}}}`,
  };
  beforeEach(() => {
    Object.assign(written, { out: "", err: "", file: "" });
  });

  async function sluice(...args: readonly string[]): Promise<number> {
    const err = (text: string): void => {
      written.err += text;
    };
    const program = newProgram("0.1.0", { out: () => {}, err });
    registerKubeInject(program, {
      version: "0.1.0",
      settings: defaultSettings,
      readText: async (path) => files[path] ?? Promise.reject(new Error(`ENOENT: no such file, open '${path}'`)),
      writeText: async (path, text) => {
        written.file = `${path}: ${text}`;
      },
      print: (text) => {
        written.out += text;
      },
      note: (line) => err(`${line}\n`),
    });
    return execute(program, ["kube-inject", ...args], err);
  }

  test("prints the result, and warnings beside it", async () => {
    expect(await sluice("-f", "pod.yaml")).toBe(0);
    expect(written).toEqual({
      out: files["pod.yaml"],
      err: "warning: Pod p: stays as it is: its label sidecar.istio.io/inject is false\n",
      file: "",
    });
  });

  test("-o writes it", async () => {
    expect(await sluice("-f", "pod.yaml", "-o", "out.yaml")).toBe(0);
    expect(written).toMatchObject({ out: "", file: `out.yaml: ${files["pod.yaml"]}` });
  });

  test.each`
    file             | said
    ${"none.yaml"}   | ${"Error: ENOENT: no such file, open 'none.yaml'\n"}
    ${"broken.yaml"} | ${expect.stringMatching(/^Error: broken\.yaml:2:1 can't be read as YAML: /)}
    ${"bad.yaml"}    | ${'Error: Pod p: annotation sidecar.istio.io/proxyCPU is "much": expected a quantity as 100m or 2\n'}
  `("prints nothing of $file", async ({ file, said }) => {
    expect(await sluice("-f", file)).toBe(1);
    expect(written).toEqual({ out: "", err: said, file: "" });
  });
});
