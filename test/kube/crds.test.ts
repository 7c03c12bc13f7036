// The API server takes what files may say, keeps it whole, and refuses in the words of the files' checks.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments, stringify } from "yaml";
import { crds } from "../../controller/crd/definitions.ts";
import { parseObject } from "../../controller/crd/parse-object.ts";
import { pluralOf } from "../../controller/model/resource-name.ts";
import { type Cluster, startCluster } from "../support/kube/cluster.ts";

const root = join(import.meta.dirname, "../..");
const definitions = crds();
let cluster: Cluster;

interface Sample {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: unknown;
  readonly status?: unknown;
}

/** Istio's kinds in the examples, the story, and the files that show each field. */
const samples = [
  ...globSync("controller/crd/testdata/*.yaml", { cwd: root }).filter((file) => !file.endsWith(".out.yaml")),
  ...globSync("examples/outfitters/{mesh,walk}/*.yaml", { cwd: root }),
].flatMap((file) =>
  parseAllDocuments(readFileSync(join(root, file), "utf8"))
    .map((document) => withoutNulls(document.toJS()) as Sample)
    .filter(({ apiVersion }) => apiVersion.includes(".istio.io/"))
    .map((object) => [file, object] as const),
);

/** kubectl takes a null for a field to remove, and sends none. */
function withoutNulls(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, item: unknown) => (item === null ? undefined : item)));
}

function pathOf({ apiVersion, kind, metadata }: Sample): string {
  return `/apis/${apiVersion}/namespaces/${metadata.namespace ?? "default"}/${pluralOf(kind)}/${metadata.name}`;
}

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.kubectl.apply(definitions.map((definition) => stringify(definition)).join("---\n"));
  await cluster.kubectl("wait", "--for=condition=Established", "crd", "--all");
  const namespaces = new Set(samples.map(([, { metadata }]) => metadata.namespace ?? "default"));
  for (const name of namespaces) if (name !== "default") await cluster.kubectl("create", "namespace", name);
});

afterAll(() => cluster?.close());

test("every definition is established, and nothing of it was lost", async () => {
  for (const definition of definitions) {
    const stored = await cluster.api.get<
      typeof definition & { status: { conditions: { type: string; status: string }[] } }
    >(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${definition.metadata.name}`);
    expect(stored.spec).toMatchObject(definition.spec);
    const conditions = stored.status.conditions.filter(({ status }) => status === "True").map(({ type }) => type);
    expect(conditions.sort()).toEqual(["Established", "NamesAccepted"]);
  }
});

test.each(samples.map(([file, sample]) => [sample.kind, sample.metadata.name, file, sample] as const))(
  "%s %s of %s is kept as it is written",
  async (_kind, _name, _file, sample) => {
    await cluster.kubectl.apply(stringify(sample));
    const { spec } = await cluster.api.get<Sample>(pathOf(sample));
    expect(spec).toEqual(sample.spec);
  },
);

test("all kinds have a sample", () => {
  const shown = new Set(samples.map(([, { kind }]) => kind));
  expect(definitions.map(({ spec }) => spec.names.kind).filter((kind) => !shown.has(kind))).toEqual([]);
});

const plugin = (spec: object): object => ({ apiVersion: "extensions.istio.io/v1alpha1", kind: "WasmPlugin", spec });
const entry = (spec: object): object => ({
  apiVersion: "networking.istio.io/v1",
  kind: "ServiceEntry",
  spec: { hosts: ["a.example.com"], ...spec },
});
const authentication = (spec: object): object => ({
  apiVersion: "security.istio.io/v1",
  kind: "PeerAuthentication",
  spec,
});
const telemetry = (spec: object): object => ({ apiVersion: "telemetry.istio.io/v1", kind: "Telemetry", spec });
const url = "builtin://deadline";

describe("refusals", () => {
  test.each`
    object                                                                                                     | message
    ${plugin({})}                                                                                              | ${"spec.url: Required value"}
    ${plugin({ url: "ftp://a/b" })}                                                                            | ${'spec.url: Invalid value: "ftp://a/b": is "ftp://a/b": url contains unsupported scheme: ftp; write file:///folder/module.wasm or builtin://<filter>'}
    ${plugin({ url: "" })}                                                                                     | ${'is "": url field needs to be set'}
    ${plugin({ url, sha256: "abc" })}                                                                          | ${'is "abc": sha256 field must be 64 characters long'}
    ${plugin({ url, sha256: "X".repeat(64) })}                                                                 | ${"sha256 field must match [a-f0-9]{64} pattern"}
    ${plugin({ url, selector: {}, targetRefs: [{ kind: "Gateway", name: "g" }] })}                             | ${"spec: Invalid value: only one of targetRefs or selector can be set"}
    ${plugin({ url, selector: { matchLabels: { app: "a*" } } })}                                               | ${'spec.selector.matchLabels[app]: Invalid value: "a*": is "a*": wildcard not allowed in label value match'}
    ${plugin({ url, phase: "LATE" })}                                                                          | ${'spec.phase: Unsupported value: "LATE": supported values: "AUTHN", "AUTHZ", "STATS", "UNSPECIFIED_PHASE"'}
    ${plugin({ url, vmConfig: { env: [{ name: "A" }, { name: "A" }] } })}                                      | ${'spec.vmConfig.env[1]: Duplicate value: {"name":"A"}'}
    ${plugin({ url, vmConfig: { env: [{ name: "A", valueFrom: "HOST", value: "1" }] } })}                      | ${'spec.vmConfig.env[0].value: Invalid value: is "1": value may only be set when valueFrom is INLINE'}
    ${plugin({ url, port: 80 })}                                                                               | ${'unknown field "spec.port"'}
    ${entry({ resolution: "STATIC", workloadSelector: {}, endpoints: [] })}                                    | ${"stands beside workloadSelector: only one of them can say where to go"}
    ${entry({ endpoints: [{ address: "192.0.2.1" }] })}                                                        | ${"has no use with resolution NONE; write resolution: STATIC, or DNS for host names"}
    ${entry({ resolution: "DNS", addresses: ["192.0.2.0/24"] })}                                               | ${"CIDR blocks need resolution NONE or STATIC"}
    ${authentication({ portLevelMtls: { 8080: { mode: "STRICT" } } })}                                         | ${"needs selector.matchLabels, which say whose ports these are"}
    ${telemetry({ metrics: [{ overrides: [{ tagOverrides: { a: {} } }] }] })}                                  | ${"tagOverrides.value must be set when operation is UPSERT"}
    ${telemetry({ metrics: [{ overrides: [{ tagOverrides: { a: { operation: "REMOVE", value: "1" } } }] }] })} | ${"tagOverrides.value may only be set when operation is UPSERT"}
  `("$object.kind $object.spec: $message", async ({ object, message }) => {
    const value = { ...object, metadata: { name: "bad" } };
    expect(parseObject({ value }).object).toBeUndefined(); // a file would be refused, too
    const { code, stderr } = await cluster.kubectl.attempt(["apply", "-f", "-"], stringify(value));
    expect(code).toBe(1);
    expect(stderr.replaceAll('\\"', '"')).toContain(message);
  });
});

describe("a WasmPlugin's status", () => {
  const path = "/apis/extensions.istio.io/v1alpha1/namespaces/default/wasmplugins/shown";
  const condition = (type: string, status: string): object => ({
    type,
    status,
    reason: "Because",
    message: "",
    lastTransitionTime: "2026-01-31T12:00:00Z",
  });

  test("is seen in columns, waited for, and not written with the object", async () => {
    const written = { metadata: { name: "shown" }, status: { digest: "not mine" }, ...plugin({ url }) };
    await cluster.kubectl.apply(stringify(written));
    expect((await cluster.api.get<Sample>(path)).status).toBeUndefined();
    await cluster.api.patch(`${path}/status`, {
      status: {
        observedGeneration: 1,
        conditions: [condition("Accepted", "True"), condition("Programmed", "True"), condition("Degraded", "False")],
        proxies: { matched: 3, acknowledged: 3, refused: 0 },
        digest: "1f3a9c2b",
      },
    });
    const table = await cluster.kubectl("get", "wasmplugin", "shown", "-o", "wide");
    expect(
      table
        .replace(/\d+s/, "AGE")
        .split("\n")
        .map((line) => line.trim().split(/ {2,}/)),
    ).toEqual([
      ["NAME", "ACCEPTED", "PROGRAMMED", "DEGRADED", "PROXIES", "DIGEST", "ACKNOWLEDGED", "REFUSED", "URL", "AGE"],
      ["shown", "True", "True", "False", "3", "1f3a9c2b", "3", "0", "builtin://deadline", "AGE"],
      [""],
    ]);
    await cluster.kubectl("wait", "--for=condition=Programmed", "wasmplugin/shown", "--timeout=10s");
  });
});

test("short names and categories are Istio's", async () => {
  for (const name of ["vs", "dr", "gw", "se", "we", "pa", "istio-io", "networking-istio-io", "extensions-istio-io"])
    await cluster.kubectl("get", name);
});
