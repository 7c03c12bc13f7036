import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { env } from "node:process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { adminCluster, adminListener } from "../../controller/inject/listeners.ts";
import controller from "../../controller/package.json" with { type: "json" };
import { type Cluster, startCluster } from "../support/kube/cluster.ts";
import { envoyImage, nodeImage } from "../support/kube/images.ts";

// The commands in a cluster: pods are found by a real API server, Envoys and controllers are reached by its port-forward.

const { version } = controller;
const bin = join(import.meta.dirname, "..", "..", "node_modules", ".bin", "sluice");
/** More than one message of the port-forward holds. */
const clusters = 400;
let cluster: Cluster;

/** The admin as every injected proxy has it, and nothing that needs a control plane. */
function bootstrap(): string {
  const admin = "/tmp/admin.sock";
  const upstream = (i: number) => ({ name: `outbound|80||s${i}.shop.svc.cluster.local`, type: "STATIC" });
  return JSON.stringify({
    admin: { address: { pipe: { path: admin } } },
    static_resources: {
      listeners: [adminListener({ address: "127.0.0.1", port: 15000 })],
      clusters: [adminCluster(admin), ...Array.from({ length: clusters }, (_, i) => upstream(i))],
    },
  });
}

function workload(kind: "Deployment" | "StatefulSet", name: string, namespace: string, replicas: number, spec: object) {
  const labels = { app: name };
  return {
    apiVersion: "apps/v1",
    kind,
    metadata: { name, namespace },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
}

function service(name: string, selector?: object) {
  const ports = [{ name: "http", port: 80 }];
  return { apiVersion: "v1", kind: "Service", metadata: { name, namespace: "shop" }, spec: { selector, ports } };
}

/** Tells what a controller tells of the one proxy that is connected to it. */
const pages = `
  const name = process.env.POD_NAME;
  const state = { state: "SYNCED" };
  const types = { CDS: state, LDS: state, EDS: state, RDS: state, ECDS: state };
  const pages = {
    "/debug/syncz": [{ name: "of-" + name + ".shop", cluster: "Kubernetes", version: "1.40.0", controller: name, connectedAtMs: 0, types }],
    "/version": { version: "0.1.0" },
    "/debug/problemz": [{ severity: "warning", code: "IST0127", object: { kind: "Sidecar", namespace: "shop", name: "web" }, message: "matches nothing" }],
  };
  require("http").createServer(({ url }, answer) => answer.end(JSON.stringify(pages[url]))).listen(15014, "127.0.0.1");
`;

beforeAll(async () => {
  cluster = await startCluster({ images: { node: nodeImage("test/support/app.ts"), envoy: envoyImage() } });
  for (const namespace of ["shop", "istio-system"]) await cluster.kubectl("create", "namespace", namespace);
  const args = ["-c", "", "--config-yaml", bootstrap(), "--concurrency", "1", "-l", "error"];
  const proxy = { name: "istio-proxy", image: "envoy", args };
  const env = [{ name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }];
  const serving = { name: "sluice", image: "node", command: ["node", "-e", pages], env };
  const items = [
    workload("Deployment", "web", "shop", 2, { containers: [proxy] }),
    workload("Deployment", "bare", "shop", 1, { containers: [{ name: "app", image: "node" }] }),
    workload("StatefulSet", "db", "shop", 1, { containers: [proxy] }),
    service("web", { app: "web" }),
    service("outside"),
    workload("Deployment", "sluice", "istio-system", 2, { containers: [serving] }),
  ];
  await cluster.kubectl.apply(JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  for (const name of ["deploy/web.shop", "sts/db.shop"])
    await cluster.waitFor(async () => (await sluice("pc", "log", name)).code === 0, `the Envoys' admin of ${name}`);
  await cluster.waitFor(
    async () => (await sluice("version", "-o", "json")).stdout.match(/0\.1\.0/g)?.length === 3,
    "both controllers",
  );
});
afterAll(() => cluster?.close());

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** As on a machine where no mesh runs. */
function sluice(...args: readonly string[]): Promise<Ended> {
  return sluiceAs(cluster.kubeconfig, ...args);
}

function sluiceAs(kubeconfig: string, ...args: readonly string[]): Promise<Ended> {
  const settings = { env: { ...env, KUBECONFIG: kubeconfig, SLUICE_RUN_DIR: "/nowhere" }, maxBuffer: 2 ** 26 };
  return new Promise((resolve) => {
    execFile(bin, args, settings, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

async function printed(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await sluice(...args);
  expect({ code, stderr }, `sluice ${args.join(" ")}`).toEqual({ code: 0, stderr: "" });
  return stdout;
}

async function podsOf(namespace: string, app: string): Promise<readonly string[]> {
  const names = await cluster.kubectl("get", "pods", "-n", namespace, "-l", `app=${app}`, "-o", "name");
  return names
    .trim()
    .split("\n")
    .map((name) => name.replace("pod/", ""))
    .sort();
}

describe("an Envoy's admin", () => {
  test("is asked by a pod's name, by what selects it, and in a namespace", async () => {
    const [first = ""] = await podsOf("shop", "web");
    const owner = ["get", "pod", first, "-n", "shop", "-o", "jsonpath={.metadata.ownerReferences[0].name}"];
    for (const args of [
      ["deploy/web.shop"],
      [`${first}.shop`],
      ["deployment/web", "-n", "shop"],
      [first, "-n", "shop"],
      ["service/web.shop"],
      ["svc/web", "-n", "shop"],
      [`rs/${await cluster.kubectl(...owner)}.shop`],
      ["sts/db.shop"],
    ]) {
      const rows = (await printed("proxy-config", "cluster", ...args)).trimEnd().split("\n").slice(1);
      expect(rows).toHaveLength(clusters + 1);
    }
    expect(await printed("pc", "listener", "deploy/web.shop", "--verbose=false")).toBe(
      "ADDRESSES PORT  TYPE\n127.0.0.1 15000 HTTP\n",
    );
  });

  test("takes log levels, of all pods of a Deployment", async () => {
    const text = await printed("pc", "log", "deploy/web.shop", "--level", "error,http:debug");
    expect(text.match(/^web-.*$/gm)).toEqual((await podsOf("shop", "web")).map((name) => `${name}.shop:`));
    expect(text.match(/^ {2}http: debug$/gm)).toHaveLength(2);
  });

  test("has no certificates yet", async () => {
    expect(await printed("pc", "secret", "deploy/web.shop")).toBe("No secret items to show.\n");
  });
});

test("all controllers are asked", async () => {
  const mesh = "control plane version: 0.1.0\ndata plane version: 1.40.0 (2 proxies)\n";
  expect(await printed("version")).toBe(`client version: ${version}\n${mesh}`);
  const rows = (await printed("proxy-status")).trimEnd().split("\n").slice(1);
  const names = await podsOf("istio-system", "sluice");
  expect(rows.map((row) => row.split(/ {5,}/)).map((cells) => [cells[0], cells[7]])).toEqual(
    names.map((name) => [`of-${name}.shop`, name]),
  );
});

describe("analyze", () => {
  test("tells what the controllers know, each once", async () => {
    expect(await printed("analyze", "-n", "shop")).toBe("Warning [IST0127] (Sidecar shop/web) matches nothing\n");
    expect(await sluice("analyze", "-n", "default")).toMatchObject({ code: 0, stdout: "" });
  });

  test("puts files on what the cluster has", async () => {
    const file = join(cluster.dir, "routes.yaml");
    const virtualService = (host: string) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${host}, namespace: shop}
spec: {hosts: [${host}], http: [{route: [{destination: {host: ${host}}}]}]}
---`;
    await writeFile(file, virtualService("web"));
    expect(await sluice("analyze", file)).toMatchObject({ code: 0, stdout: "" });
    await writeFile(file, virtualService("web") + virtualService("nowhere"));
    const { code, stdout } = await sluice("analyze", file);
    expect({ code, stdout }).toEqual({
      code: 79,
      stdout: expect.stringMatching(
        /^Error \[IST0101\] \(VirtualService shop\/nowhere \S+routes\.yaml:10:\d+\) spec\.\S+ is "nowhere": .*\n$/,
      ),
    });
  });
});

describe("what can't be done is said", () => {
  test.each([
    [
      "pc c deploy/bare.shop",
      /^Error: no proxy runs in bare-\S+\.shop: injection gives pods one when they are made\n$/,
    ],
    ["pc c bare -n shop", /^Error: no proxy runs in bare-\S+\.shop: /],
    ["ps bare.shop", /^Error: no proxy runs in bare-\S+\.shop: /],
    ["pc c svc/outside.shop", /^Error: Service "outside" in namespace shop has no running pod\n$/],
    ["pc c svc/none.shop", /^Error: no Service "none" in namespace shop\n$/],
    [
      "pc c gone.shop",
      /^Error: no running pod "gone\.shop" with a proxy in namespace shop; there are db-0\.shop, web-/,
    ],
    [
      "pc c web",
      /^Error: no running pod "web" with a proxy in namespace default \(-n names another one\); there is none\n$/,
    ],
    ["ps web.nowhere", /^Error: no running pod "web\.nowhere" with a proxy in namespace nowhere; there is none\n$/],
    [
      "ps db-0.shop",
      /^Error: the proxy of db-0\.shop is not connected to the control plane; the log of its Envoy says why\n$/,
    ],
  ])("%s", async (args, message) => {
    expect(await sluice(...args.split(" "))).toEqual({ code: 1, stdout: "", stderr: expect.stringMatching(message) });
  });

  test("a port that nobody listens on", async () => {
    const { code, stderr } = await sluice("pc", "c", "deploy/web.shop", "--proxy-admin-port", "9");
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^Error: Envoy of web-\S+\.shop: GET \/config_dump\S* at port 9 of pod web-\S+\.shop: .*connection refused/,
    );
  });

  test("a user who may not", async () => {
    const kubeconfig = await kubeconfigOf("reader");
    expect((await sluiceAs(kubeconfig, "ps")).stderr).toMatch(
      /^Error: pods is forbidden: User ".*:reader" cannot list/,
    );
    await cluster.kubectl("create", "clusterrole", "reader", "--verb=get,list", "--resource=pods,deployments.apps");
    await cluster.kubectl(
      "create",
      "clusterrolebinding",
      "reader",
      "--clusterrole=reader",
      "--serviceaccount=shop:reader",
    );
    const stderr = await cluster.waitFor(async () => {
      const ended = await sluiceAs(kubeconfig, "pc", "c", "deploy/web.shop");
      return /cannot (get|list)/.test(ended.stderr) ? undefined : ended.stderr; // the API server takes a moment to know the role
    }, "the role to be in force");
    expect(stderr).toMatch(
      /^Error: Envoy of web-\S+: GET \S+ at port 15000 of pod \S+: the API server refuses to forward it: .*403/,
    );
  });

  test("an API server that is not there", async () => {
    const config = JSON.parse(await readFile(cluster.kubeconfig, "utf8"));
    const away = join(cluster.dir, "away.json");
    await writeFile(away, JSON.stringify(config).replace(cluster.server, "https://127.0.0.1:1"));
    const { code, stderr } = await sluice("ps", "--kubeconfig", away);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(
        /^Error: the API server at https:\/\/127\.0\.0\.1:1 can't be reached: .*ECONNREFUSED/,
      ),
    });
    const ended = await sluice("version", "--kubeconfig", away);
    expect(ended).toMatchObject({ code: 0, stdout: `client version: ${version}\n` });
    expect(ended.stderr).toMatch(/^Sluice is not present in the cluster: the API server at /);
  });
});

/** Of a new service account in shop. */
async function kubeconfigOf(name: string): Promise<string> {
  await cluster.kubectl("create", "serviceaccount", "-n", "shop", name);
  const token = (await cluster.kubectl("create", "token", "-n", "shop", name)).trim();
  const config = JSON.parse(await readFile(cluster.kubeconfig, "utf8"));
  const path = join(cluster.dir, `${name}.json`);
  await writeFile(
    path,
    JSON.stringify({ ...config, users: config.users.map((one: object) => ({ ...one, user: { token } })) }),
  );
  return path;
}
