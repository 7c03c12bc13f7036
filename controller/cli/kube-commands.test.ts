// The commands where the mesh is in Kubernetes: which pods they find, and which home they choose.
import type { Server } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CliDeps, KubeOptions } from "./deps.ts";
import {
  fakeApi,
  fakeServer,
  type Outcome,
  portOf,
  runningPod,
  sluice as shell,
  sync,
  testdata,
} from "./test-support/shell.ts";
import { versionText } from "./version.ts";

let admin: Server;
let controllers: readonly Server[];
beforeAll(async () => {
  admin = await fakeServer({ port: 0 });
  controllers = [
    await fakeServer({ port: 0 }),
    await fakeServer(
      { port: 0 },
      {
        "/debug/syncz": JSON.stringify([{ ...sync("api-1.shop"), version: "1.39.0" }]),
        "/version": JSON.stringify({ version: "0.2.0" }),
      },
    ),
  ];
});
afterAll(() => {
  for (const server of [admin, ...controllers]) server.close();
});

function pod(name: string, namespace: string, more: { readonly ready?: boolean; readonly containers?: string[] } = {}) {
  const { ready = true, containers = ["app", "istio-proxy"] } = more;
  const [, replicaSet, hash] = /^(.*-([^-]+))-[^-]+$/.exec(name) ?? [];
  return {
    metadata: {
      name,
      namespace,
      labels: { "pod-template-hash": hash },
      ownerReferences: [{ kind: "ReplicaSet", name: replicaSet, controller: true }],
    },
    spec: { containers: containers.map((container) => ({ name: container })) },
    status: { conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
  };
}

/** Whose controllers are the replicas `sluice-1-0`, … */
function cluster(replicas: number) {
  const catalog = [pod("catalog-6bb-q2x", "istioinaction", { ready: false }), pod("catalog-6bb-z9w", "istioinaction")];
  const webapp = [pod("webapp-8c4-tt1", "istioinaction")];
  const bare = [pod("bare-5d5-abc", "istioinaction", { containers: ["app"] })];
  const gateway = [pod("istio-ingressgateway-77f-kk2", "istio-system", { containers: ["istio-proxy"] })];
  return {
    istioinaction: [...catalog, ...webapp, ...bare],
    "istioinaction app=webapp,tier=front": webapp,
    "istioinaction app=catalog": catalog,
    "istioinaction app in (catalog,web)": catalog,
    "istioinaction app=catalog,tier notin (db),version,!canary": catalog,
    "istioinaction app=bare": bare,
    "istio-system": gateway,
    "istio-system app=gateway": gateway,
    "istio-system app=sluice": controllers
      .slice(0, replicas)
      .map((_, i) => pod(`sluice-1-${i}`, "istio-system", { containers: ["sluice"] })),
  };
}

function selecting(kind: string, name: string, selector: object, namespace = "istioinaction") {
  return { kind, metadata: { name, namespace }, spec: { selector } };
}

const objects = [
  selecting("Deployment", "webapp", { matchLabels: { app: "webapp", tier: "front" } }),
  selecting("Deployment", "catalog", { matchLabels: { app: "catalog" } }),
  selecting("Deployment", "bare", { matchLabels: { app: "bare" } }),
  selecting("Deployment", "istio-ingressgateway", { matchLabels: { app: "gateway" } }, "istio-system"),
  selecting("Service", "catalog", { app: "catalog" }),
  selecting("Service", "outside", {}),
  selecting("StatefulSet", "db", { matchLabels: { app: "catalog" } }),
  selecting("DaemonSet", "logs", { matchExpressions: [{ key: "app", operator: "In", values: ["catalog", "web"] }] }),
  selecting("ReplicaSet", "catalog-6bb", {
    matchLabels: { app: "catalog" },
    matchExpressions: [
      { key: "tier", operator: "NotIn", values: ["db"] },
      { key: "version", operator: "Exists" },
      { key: "canary", operator: "DoesNotExist" },
    ],
  }),
];

function sluice(args: string, replicas = 1, world: Partial<CliDeps> = {}): Promise<Outcome> {
  const forward = (name: string, port: number): number => {
    const server = port === 15000 ? admin : port === 15014 ? controllers[Number(name.at(-1))] : undefined;
    return server ? portOf(server) : 1;
  };
  const api = fakeApi(cluster(replicas), forward, objects);
  return shell(args, { kubeconfig: () => "~/.kube/config", kubeApi: async () => api, ...world });
}

describe("pods", () => {
  test.each([
    ["pc c webapp-8c4-tt1", "cluster.txt"],
    ["pc c webapp-8c4-tt1.istioinaction", "cluster.txt"],
    ["pc c deploy/webapp", "cluster.txt"],
    ["pc ep deployment/catalog", "endpoint.txt"],
    ["pc s deploy/istio-ingressgateway.istio-system", "secret.txt"],
    ["pc c service/catalog", "cluster.txt"],
    ["pc c svc/catalog.istioinaction", "cluster.txt"],
    ["pc c sts/db", "cluster.txt"],
    ["pc c daemonsets/logs", "cluster.txt"],
    ["pc c rs/catalog-6bb", "cluster.txt"],
    ["pc r istio-ingressgateway -n istio-system", "route.txt"],
  ])("%s", async (args, golden) => {
    expect(await sluice(args)).toEqual({ code: 0, out: testdata(golden), err: "" });
  });

  test.each([
    [
      "pc c cart",
      'no running pod "cart" with a proxy in namespace istioinaction (-n names another one); there are catalog-6bb-q2x.istioinaction, catalog-6bb-z9w.istioinaction, webapp-8c4-tt1.istioinaction',
    ],
    ["pc c bare", "no proxy runs in bare-5d5-abc.istioinaction: injection gives pods one when they are made"],
    ["pc c deploy/bare", "no proxy runs in bare-5d5-abc.istioinaction: injection gives pods one when they are made"],
    ["pc c svc/outside", 'Service "outside" in namespace istioinaction (-n names another one) has no running pod'],
    ["pc c svc/catalog.shop", 'no Service "catalog" in namespace shop'],
    ["pc c webapp.shop", 'no running pod "webapp.shop" with a proxy in namespace shop; there is none'],
    ["pc c catalog", '"catalog" stands for several pods: catalog-6bb-q2x.istioinaction, catalog-6bb-z9w.istioinaction'],
    [
      "pc c deploy/webapp --proxy-admin-port 9",
      "Envoy of webapp-8c4-tt1.istioinaction: GET /config_dump?include_eds at port 9 of pod webapp-8c4-tt1.istioinaction: connect ECONNREFUSED",
    ],
  ])("%s fails", async (args, message) => {
    const { code, err } = await sluice(args);
    expect(err).toContain(`Error: ${message}`);
    expect(code).toBe(1);
  });

  test("what selects pods stands for its first ready one, and for all of them where levels are set", async () => {
    for (const name of ["deploy/catalog", "svc/catalog"]) {
      const { out } = await sluice(`pc log ${name} -r`);
      expect(out.match(/^catalog.*$/gm)).toEqual(["catalog-6bb-z9w.istioinaction:", "catalog-6bb-q2x.istioinaction:"]);
    }
    const asked: string[] = [];
    const forward = (name: string): number => {
      asked.push(name);
      return portOf(admin);
    };
    const api = fakeApi(cluster(1), forward, objects);
    await sluice("pc c deploy/catalog", 1, { kubeApi: async () => api });
    expect(asked).toEqual(["catalog-6bb-z9w"]);
  });
});

describe("controllers", () => {
  const names = (out: string) => out.match(/^\S+\.\S+/gm);

  test("proxy-status merges what all replicas tell", async () => {
    expect(names((await sluice("ps", 2)).out)).toEqual([
      "api-1.shop",
      "catalog-1.istioinaction",
      "webapp-2.shop",
      "webapp-7d9c-x2k9q.istioinaction",
    ]);
    expect(names((await sluice("ps -n shop", 2)).out)).toEqual(["api-1.shop", "webapp-2.shop"]);
  });

  test("one that is being deleted is not asked", async () => {
    const going = pod("sluice-1-9", "istio-system", { containers: ["sluice"] });
    const pods = cluster(1);
    const api = fakeApi(
      {
        "istio-system app=sluice": [
          ...pods["istio-system app=sluice"],
          { ...going, metadata: { ...going.metadata, deletionTimestamp: "2026-11-23T18:00:00Z" } },
        ],
      },
      (name) => (name === "sluice-1-9" ? 1 : portOf(admin)),
    );
    expect(await sluice("version --short", 1, { kubeApi: async () => api })).toMatchObject({ code: 0, err: "" });
  });

  test("none is an error that names the namespace, one that does not answer an error that names it", async () => {
    expect((await sluice("ps", 0)).err).toBe(
      "Error: no controller runs in namespace istio-system; -i names another one\n",
    );
    expect((await sluice("ps -i mesh", 1)).err).toContain("no controller runs in namespace mesh");
    const api = fakeApi(cluster(1), () => 1);
    expect((await sluice("ps", 1, { kubeApi: async () => api })).err).toContain(
      "Error: sluice-1-0.istio-system: GET /debug/syncz at port 15014 of pod sluice-1-0.istio-system: connect",
    );
  });
});

describe("version", () => {
  const client = "client version: 0.1.0\n";
  test.each([
    ["version", 1, `${client}control plane version: 0.1.0\ndata plane version: 1.40.0 (3 proxies)\n`],
    [
      "version",
      2,
      `${client}sluice-1-0.istio-system version: 0.1.0\nsluice-1-1.istio-system version: 0.2.0\ndata plane version: 1.39.0 (1 proxies), 1.40.0 (3 proxies)\n`,
    ],
    ["version --remote=false", 1, client],
    [
      "version -s=false",
      1,
      `${client}sluice-1-0.istio-system version: 0.1.0\ndata plane version: 1.40.0 (catalog-1.istioinaction)\ndata plane version: 1.40.0 (webapp-2.shop)\ndata plane version: 1.40.0 (webapp-7d9c-x2k9q.istioinaction)\n`,
    ],
  ])("%s of %i controllers", async (args, replicas, out) => {
    expect(await sluice(args, replicas)).toEqual({ code: 0, out, err: "" });
  });

  test("-o json has istioctl's fields", async () => {
    expect(JSON.parse((await sluice("version -o json", 1)).out)).toEqual({
      clientVersion: { version: "0.1.0" },
      meshVersion: [{ Component: "sluice-1-0.istio-system", Info: { version: "0.1.0" } }],
      dataPlaneVersion: ["catalog-1.istioinaction", "webapp-2.shop", "webapp-7d9c-x2k9q.istioinaction"].map((ID) => ({
        ID,
        IstioVersion: "1.40.0",
      })),
    });
  });

  test("without proxies, and without a mesh", async () => {
    expect(
      versionText({ client: "0.1.0", mesh: { controllers: [{ name: "x", version: "0.1.0" }], proxies: [] } }),
    ).toBe(`${client}control plane version: 0.1.0\ndata plane version: none\n`);
    expect(await sluice("version", 0)).toEqual({
      code: 0,
      out: client,
      err: "Sluice is not present in the cluster: no controller runs in namespace istio-system\n",
    });
  });
});

describe("which mesh", () => {
  const meshes = () => [
    {
      dir: "/mesh",
      monitoringPort: portOf(admin),
      pods: [runningPod("web-1", "shop", "web", "/none.sock")],
      services: [],
    },
  ];

  test("one on this machine goes before a cluster, and that is said", async () => {
    const { err } = await sluice("pc c webapp", 1, { meshes });
    expect(err).toBe(
      'this is the mesh of /mesh on this machine; for the cluster of ~/.kube/config add --context NAME\nError: no running pod "webapp" with a proxy on this machine; there are web-1.shop\n',
    );
    expect(await sluice("ps", 1, { meshes, kubeconfig: () => undefined })).toMatchObject({ code: 0, err: "" });
  });

  test.each([
    ["--context kind", { context: "kind" }],
    ["--kubeconfig other.yaml", { kubeconfig: "other.yaml" }],
  ])("%s asks the cluster", async (flags, expected) => {
    const asked: KubeOptions[] = [];
    const api = fakeApi(cluster(1), () => portOf(admin), objects);
    const kubeApi: CliDeps["kubeApi"] = async (options) => {
      asked.push(options);
      return api;
    };
    const { code, err } = await sluice(`pc c deploy/webapp ${flags}`, 1, {
      meshes,
      kubeApi,
      kubeconfig: () => undefined,
    });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(asked).toMatchObject([expected]);
  });

  test("a kubeconfig that is no good is an error with its reason", async () => {
    const kubeApi = () => Promise.reject(new Error('the kubeconfig has no context "x": it has kind'));
    expect((await sluice("ps --context x", 1, { kubeApi })).err).toBe(
      'Error: the kubeconfig has no context "x": it has kind\n',
    );
  });
});
