// The source against a real API server: what it knows stays what the cluster has, whatever happens in between.
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseObject } from "../../controller/crd/parse-object.ts";
import { connect } from "../../controller/kube/client.ts";
import { type KubernetesSource, watchKubernetes } from "../../controller/kube/source.ts";
import { buildMesh } from "../../controller/mesh/build-mesh.ts";
import { defaultSettings } from "../../controller/model/mesh.ts";
import { identityOf, type RawObject } from "../../controller/model/raw-object.ts";
import { realClock } from "../../controller/ports/clock.ts";
import { TestLog } from "../../controller/ports/log.ts";
import { type Cluster, startCluster } from "../support/kube/cluster.ts";
import { until } from "../support/wait.ts";

let cluster: Cluster;
let source: KubernetesSource;
const log = new TestLog();
const batches: (readonly RawObject[])[] = [];

beforeAll(async () => {
  cluster = await startCluster();
  source = watchKubernetes({
    client: connect({ kubeconfig: cluster.kubeconfig }),
    kinds: [{ kind: "Gateway", group: "networking.istio.io", versions: ["v1", "v1beta1"] }],
    onBatch: ({ objects }) => batches.push(objects),
    clock: realClock,
    random: Math.random,
    log,
  });
  await source.synced;
});

afterAll(async () => {
  source?.close();
  await cluster?.close();
});

/** `Service default/kubernetes`, with what a test put into its annotation `v`. */
function seen(kind: string): string[] {
  return (batches.at(-1) ?? []).flatMap(({ value }) => {
    const identity = identityOf(value);
    if (identity?.kind !== kind || identity.name === "kubernetes") return [];
    const v = JSON.stringify(value).match(/"v":"(\w+)"/)?.[1];
    return [v === undefined ? identity.name : `${identity.name}=${v}`];
  });
}

async function sees(kind: string, ...expected: readonly string[]): Promise<void> {
  const wanted = expected.toSorted().join(" ");
  const now = (): string => seen(kind).toSorted().join(" ");
  await until(
    () => now() === wanted,
    () => `${kind} "${wanted}"; it is "${now()}"; ${log.lines.join("; ")}`,
  );
}

const services = "/api/v1/namespaces/default/services";

function service(name: string, v: string): object {
  return { metadata: { name, annotations: { v } }, spec: { selector: { app: name }, ports: [{ port: 80 }] } };
}

function gateway(version: string, name: string): object {
  return { apiVersion: `networking.istio.io/${version}`, kind: "Gateway", metadata: { name }, spec: {} };
}

function definition(versions: readonly string[]): object {
  const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
  return {
    metadata: { name: "gateways.networking.istio.io" },
    spec: {
      group: "networking.istio.io",
      scope: "Namespaced",
      names: { kind: "Gateway", plural: "gateways", singular: "gateway", listKind: "GatewayList" },
      versions: versions.map((name, i) => ({ name, served: true, storage: i === versions.length - 1, schema })),
    },
  };
}

test("the first batch has all that is there, and namespaces are known by then", async () => {
  expect(batches).toHaveLength(1);
  expect([...source.namespaces.keys()]).toContain("kube-system");
});

test("changes arrive; what has not changed is the same value", async () => {
  await cluster.api.create(services, service("a", "one"));
  await cluster.api.create(services, service("b", "one"));
  await sees("Service", "a=one", "b=one");
  const before = (batches.at(-1) ?? []).find(({ value }) => identityOf(value)?.name === "a");
  await cluster.api.patch(`${services}/b`, { metadata: { annotations: { v: "two" } } });
  await sees("Service", "a=one", "b=two");
  expect(batches.at(-1)?.includes(before as RawObject)).toBe(true);
});

test("a status that is written is no change", async () => {
  const condition = {
    type: "Seen",
    status: "True",
    reason: "Seen",
    lastTransitionTime: "2026-01-01T00:00:00Z",
    message: "",
  };
  await cluster.api.call({
    method: "PATCH",
    path: `${services}/a/status`,
    body: { status: { conditions: [condition] } },
  });
  const count = batches.length;
  await cluster.api.create(services, service("marker", "one"));
  await sees("Service", "a=one", "b=two", "marker=one");
  expect(batches.length).toBe(count + 1);
});

test("a kind that is installed later is followed from then on, also under another version", async () => {
  const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  const name = "gateways.networking.istio.io";
  await cluster.api.create(definitions, definition(["v1beta1"]));
  const create = (version: string, gatewayName: string): Promise<unknown> =>
    cluster.api.create(
      `/apis/networking.istio.io/${version}/namespaces/default/gateways`,
      gateway(version, gatewayName),
    );
  await until(() => create("v1beta1", "web").then(() => true), "the definition to be served");
  await sees("Gateway", "web");
  await cluster.api.patch(`${definitions}/${name}`, definition(["v1beta1", "v1"]));
  await until(() => create("v1", "shop").then(() => true), "v1 to be served");
  await sees("Gateway", "web", "shop");
  await until(() => JSON.stringify(batches.at(-1)).includes('networking.istio.io/v1"'), "the objects in version v1");
  await cluster.api.delete(`${definitions}/${name}`);
  await sees("Gateway");
});

test("an API server that is away takes nothing with it; what happened meanwhile is seen once it is back", async () => {
  const count = batches.length;
  const connected = log.lines.length;
  await cluster.setApiServer(false);
  await until(() => log.lines.length > connected, "the break to be noticed");
  expect(seen("Service")).toEqual(["a=one", "b=two", "marker=one"]);
  expect(batches.length).toBe(count);
  await cluster.setApiServer(true);
  await cluster.api.delete(`${services}/b`);
  await cluster.api.create(services, service("c", "one"));
  await sees("Service", "a=one", "marker=one", "c=one");
  await until(() => log.lines.at(-1)?.includes("everything is watched again"), "the all-clear");
  expect(log.lines.slice(connected)).toHaveLength(2);
});

test("an object that was deleted and made anew in the gap is another one", async () => {
  const find = (): RawObject | undefined => (batches.at(-1) ?? []).find(({ value }) => identityOf(value)?.name === "c");
  const before = find();
  await cluster.restartApiServer();
  await cluster.api.delete(`${services}/c`);
  await cluster.api.create(services, service("c", "one"));
  await until(() => find() !== before && find() !== undefined, "another c");
  expect(JSON.stringify(find())).not.toBe(JSON.stringify(before));
});

test("etcd that stands still changes nothing, and what was asked for meanwhile is seen after it", async () => {
  const count = batches.length;
  const stands = cluster.stopEtcd(3000);
  const write = cluster.api.patch(`${services}/c`, { metadata: { annotations: { v: "two" } } });
  await Promise.all([stands, write]);
  await sees("Service", "a=one", "marker=one", "c=two");
  expect(batches.length).toBe(count + 1);
});

test("a Service leads where Kubernetes' own endpoints lead: pods that are not ready, ports of native sidecars", async () => {
  await cluster.api.create("/api/v1/nodes", { metadata: { name: "elsewhere" } }); // without it no endpoint counts
  await createPod("ready", "True");
  await createPod("coming", "False");
  for (const [name, publishNotReadyAddresses] of [
    ["strict", false],
    ["open", true],
  ] as const) {
    const ports = [
      { name: "app", port: 80, targetPort: "app" },
      { name: "side", port: 81, targetPort: "side" },
    ];
    const spec = { selector: { app: "web" }, ports, publishNotReadyAddresses };
    await cluster.api.create(services, { metadata: { name }, spec });
  }
  const ready = "192.0.2.5 80>8080 81>4000";
  const coming = "192.0.2.6 80>8080 81>4000";
  const expected = { strict: [ready, `${coming} not ready`], open: [ready, coming] };
  for (const [name, endpoints] of Object.entries(expected)) {
    await until(
      async () => `${await kubernetesEndpoints(name)}` === `${endpoints}`,
      `Kubernetes' endpoints of ${name} to be ${endpoints}`,
    );
    await until(
      () => `${meshEndpoints(name)}` === `${endpoints}`,
      () => `the mesh's endpoints of ${name} to be ${endpoints}; they are ${meshEndpoints(name)}`,
    );
  }
});

/** One that is an object only. */
async function createPod(name: keyof typeof podIps, ready: string): Promise<void> {
  const spec = {
    nodeName: "elsewhere",
    initContainers: [
      { name: "side", image: "none", restartPolicy: "Always", ports: [{ name: "side", containerPort: 4000 }] },
      { name: "ends", image: "none", ports: [{ name: "ends", containerPort: 1 }] },
    ],
    containers: [{ name: "app", image: "none", ports: [{ name: "app", containerPort: 8080 }] }],
  };
  const pods = "/api/v1/namespaces/default/pods";
  await until(() => cluster.api.get("/api/v1/namespaces/default/serviceaccounts/default").then(() => true), "accounts");
  await cluster.api.create(pods, { metadata: { name, labels: { app: "web" } }, spec });
  const ip = podIps[name];
  const status = { phase: "Running", podIP: ip, podIPs: [{ ip }], conditions: [{ type: "Ready", status: ready }] };
  await cluster.api.patch(`${pods}/${name}/status`, { status });
}

const podIps = { ready: "192.0.2.5", coming: "192.0.2.6" } as const;

/** `192.0.2.5 80>8080 81>4000 not ready`, sorted. */
function meshEndpoints(name: string): readonly string[] {
  const objects = (batches.at(-1) ?? []).flatMap((raw) => parseObject(raw).object ?? []);
  const { mesh } = buildMesh({ objects, plugins: [], settings: defaultSettings, generation: 0 });
  const endpoints = mesh.endpoints.get(`${name}.default.svc.cluster.local`) ?? [];
  return endpoints.map(({ address, ports, ready }) => endpointText(address, [...ports], ready)).toSorted();
}

interface Slice {
  readonly endpoints?:
    | readonly { readonly addresses: readonly string[]; readonly conditions: { ready: boolean } }[]
    | null;
  readonly ports?: readonly { readonly name: "app" | "side"; readonly port: number }[] | null;
}

async function kubernetesEndpoints(name: string): Promise<readonly string[]> {
  const { items } = await cluster.api.get<{ readonly items: readonly Slice[] }>(
    `/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3D${name}`,
  );
  const numbers = { app: 80, side: 81 };
  return items
    .flatMap(({ endpoints, ports }) => {
      const pairs = (ports ?? []).map((one) => [numbers[one.name], one.port] as const).toSorted(([a], [b]) => a - b);
      return (endpoints ?? []).map(({ addresses, conditions }) =>
        endpointText(addresses[0] ?? "", pairs, conditions.ready),
      );
    })
    .toSorted();
}

function endpointText(address: string, ports: readonly (readonly [number, number])[], ready: boolean): string {
  return `${address} ${ports.map(([from, to]) => `${from}>${to}`).join(" ")}${ready ? "" : " not ready"}`;
}
