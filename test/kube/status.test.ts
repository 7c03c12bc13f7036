// The status of objects as kubectl shows it and waits for it.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crds } from "../../controller/crd/definitions.ts";
import { kinds } from "../../controller/crd/kinds.ts";
import { connect } from "../../controller/kube/client.ts";
import { RefusalEvents } from "../../controller/kube/refusal-events.ts";
import { type KubernetesSource, watchKubernetes } from "../../controller/kube/source.ts";
import { StatusWriter } from "../../controller/kube/status-writer.ts";
import { pluginStatus } from "../../controller/kube/test-support/status.ts";
import { fieldsOf } from "../../controller/model/raw-object.ts";
import { realClock } from "../../controller/ports/clock.ts";
import { TestLog } from "../../controller/ports/log.ts";
import { type Cluster, startCluster } from "../support/kube/cluster.ts";
import { until } from "../support/wait.ts";

let cluster: Cluster;
let source: KubernetesSource;
let writer: StatusWriter;
let batches = 0;
/** Kinds. */
const seen = new Set<string>();
/** Priorities of the plugins in the last batch. */
let priorities: readonly unknown[] = [];
const log = new TestLog();

beforeAll(async () => {
  cluster = await startCluster();
  const client = connect({ kubeconfig: cluster.kubeconfig });
  const common = { clock: realClock, random: Math.random, log };
  for (const definition of crds())
    await client.apply(
      {
        group: "apiextensions.k8s.io",
        version: "v1",
        plural: "customresourcedefinitions",
        name: definition.metadata.name,
      },
      definition,
    );
  await cluster.api.create("/api/v1/namespaces", { metadata: { name: "shop" } });
  const events = new RefusalEvents({ client, controller: "sluice-0", ...common });
  writer = new StatusWriter({ client, events, ...common });
  source = watchKubernetes({
    client,
    kinds: Object.values(kinds),
    onBatch({ objects }) {
      batches += 1;
      for (const { value } of objects) seen.add(String(fieldsOf(value)["kind"]));
      priorities = objects.map(({ value }) => fieldsOf(fieldsOf(value)["spec"])["priority"]);
      writer.objects(objects);
    },
    ...common,
  });
  await source.synced;
});

afterAll(async () => {
  source?.close();
  writer?.stop();
  await cluster?.close();
});

function plugin(priority: number): string {
  return JSON.stringify({
    apiVersion: "extensions.istio.io/v1alpha1",
    kind: "WasmPlugin",
    metadata: { name: "p", namespace: "shop" },
    spec: { url: "builtin://deadline", priority },
  });
}

async function apply(priority: number): Promise<void> {
  await cluster.kubectl.apply(plugin(priority));
  await until(() => priorities.includes(priority), "the plugin to be seen");
}

const columns = (): Promise<string> =>
  cluster.kubectl("get", "wasmplugins", "-n", "shop", "--no-headers").then((text) => text.replace(/ +/g, " "));

test("kubectl waits for Programmed of the very generation that was applied, and shows the columns", async () => {
  await apply(1);
  writer.update({ plugins: [pluginStatus(["True", "True", "False"], { generation: 1 })], problems: [] });
  await cluster.kubectl("wait", "--for=condition=Programmed", "wasmplugin/p", "-n", "shop", "--timeout=20s");
  expect(await columns()).toMatch(/^p True True False 1 1f3a0000 \S+\n$/);
  await apply(2);
  const early = await cluster.kubectl.attempt([
    ...["wait", "--for=condition=Programmed", "wasmplugin/p"],
    ...["-n", "shop", "--timeout=1s"],
  ]);
  expect(early.stderr).toContain("timed out");
  const waiting = cluster.kubectl("wait", "--for=condition=Programmed", "wasmplugin/p", "-n", "shop", "--timeout=20s");
  writer.update({ plugins: [pluginStatus(["True", "True", "False"], { generation: 2 })], problems: [] });
  expect(await waiting).toContain("condition met");
});

test("writing a status makes no batch", async () => {
  const count = batches;
  writer.update({
    plugins: [pluginStatus(["True", "True", "False"], { generation: 2, matched: 2, acknowledged: 2 })],
    problems: [],
  });
  await until(async () => (await columns()).startsWith("p True True False 2"), "the status to be there");
  await cluster.kubectl.apply(
    '{"apiVersion":"v1","kind":"Service","metadata":{"name":"m"},"spec":{"ports":[{"port":1}]}}',
  );
  await until(() => batches > count, "the service to be seen");
  expect(batches).toBe(count + 1);
});

test("a refusal is an Event of the plugin with the proxy's words, counted when it comes again", async () => {
  const refused = pluginStatus(["True", "False", "True"], { generation: 2 });
  const good = pluginStatus(["True", "True", "False"], { generation: 2 });
  writer.update({ plugins: [refused], problems: [] });
  const told = (): Promise<string> =>
    cluster.kubectl(
      ...["get", "events.events.k8s.io", "-n", "shop", "-o"],
      'jsonpath={range .items[*]}{.type} {.reason} {.regarding.kind}/{.regarding.name} {.note} {.series.count}{"\\n"}{end}',
    );
  await until(async () => (await told()) === "Warning Refused WasmPlugin/p Refused! \n", "the Event");
  writer.update({ plugins: [good], problems: [] });
  writer.update({ plugins: [refused], problems: [] });
  await until(async () => (await told()) === "Warning Refused WasmPlugin/p Refused! 2\n", "the Event to be counted");
  const described = (): Promise<string> => cluster.kubectl("describe", "wasmplugin", "p", "-n", "shop");
  await until(async () => /Warning +Refused/.test(await described()), "kubectl describe to show it");
  expect(log.lines.filter((line) => line.startsWith("error"))).toEqual([]); // a write that crossed another is repeated
});

describe("objects of Istio's other kinds", () => {
  const port = { number: 80, name: "http", protocol: "HTTP" };
  const objects = Object.entries({
    Gateway: { servers: [{ port, hosts: ["*"] }] },
    VirtualService: { hosts: ["a"], http: [{ route: [{ destination: { host: "a" } }] }] },
    DestinationRule: { host: "a" },
    ServiceEntry: { hosts: ["a.example"], ports: [port], resolution: "DNS" },
    WorkloadEntry: { address: "192.0.2.1" },
    Sidecar: { egress: [{ hosts: ["*/*"] }] },
    PeerAuthentication: { mtls: { mode: "STRICT" } },
    Telemetry: { tracing: [{ randomSamplingPercentage: 5 }] },
  }).map(([kind, spec]) => {
    const version = kinds[kind as keyof typeof kinds];
    return {
      apiVersion: `${version.group}/${version.versions[0]}`,
      kind,
      metadata: { name: "o", namespace: "shop" },
      spec,
    };
  });
  const names = objects.map(({ kind }) => `${kind.toLowerCase()}/o`);

  test("are told that they are accepted, and what has no effect", async () => {
    expect(new Set(objects.map(({ kind }) => kind).concat("WasmPlugin"))).toEqual(
      new Set(crds().map(({ spec }) => spec.names.kind)),
    );
    await cluster.kubectl.apply(JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
    await until(() => objects.every(({ kind }) => seen.has(kind)), "all to be seen");
    const object = { kind: "VirtualService", namespace: "shop", name: "o" } as const;
    const ignored = { severity: "warning", code: "SLU0003", object, path: ["spec"], message: "is ignored" } as const;
    writer.update({ plugins: [], problems: [ignored] });
    await cluster.kubectl("wait", "--for=condition=Accepted", ...names, "-n", "shop", "--timeout=20s");
    const message = 'jsonpath={.status.conditions[?(@.type=="Accepted")].message}';
    expect(await cluster.kubectl("get", "virtualservice/o", "-n", "shop", "-o", message)).toBe(
      "VirtualService shop/o: spec is ignored",
    );
  });
});
