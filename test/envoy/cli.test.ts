import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { env } from "node:process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import controller from "../../controller/package.json" with { type: "json" };
import type { ProxySync } from "../../controller/status/sync.ts";
import { cacheDir } from "../../setup/cache.mjs";
import { startMesh, type TestMesh } from "../support/mesh.ts";
import { markModule } from "../support/modules.ts";
import { gatewayTo, virtualService, wasmPlugin, workload } from "../support/yaml.ts";

// The commands, as the package installs them, on a running mesh. What tables look like is tested by goldens beside the
// code; here they show what real Envoys say.

const { version } = controller;
const bin = join(import.meta.dirname, "..", "..", "node_modules", ".bin");
let mesh: TestMesh;

beforeAll(async () => {
  const files = {
    "catalog.yaml": workload("catalog", { replicas: 2 }),
    "webapp.yaml": workload("webapp"),
    "gateway.yaml": gatewayTo("webapp"),
    "retries.yaml": virtualService("catalog", "retries: {attempts: 3, retryOn: 5xx}"),
  };
  mesh = await startMesh(files, { SLUICE_INTERCEPTION: "none" }); // the same tables on every machine
  await mesh.waitFor(async () => (await mesh.run()).pods.every(({ ready }) => ready), "all pods to be ready");
  await mesh.waitFor(
    async () => (await rows("endpoint", "webapp", "--cluster", catalog)).length === 2,
    "the endpoints",
  );
});
afterAll(() => mesh?.stop());

/** As on a machine without a kubeconfig, but with the same tools. */
const noCluster = { KUBECONFIG: "", HOME: "/nowhere", SLUICE_CACHE: cacheDir() };

const catalog = "outbound|80||catalog.shop.svc.cluster.local";

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function sluice(args: readonly string[], runDir = mesh.runDir): Promise<Ended> {
  const settings = { env: { ...env, PATH: `${bin}${delimiter}${env["PATH"]}`, SLUICE_RUN_DIR: runDir, ...noCluster } };
  return new Promise((resolve) => {
    execFile(join(bin, "sluice"), args, { ...settings, maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

/** What a command prints; fails where it does. */
async function printed(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await sluice(args);
  expect({ code, stderr }, `sluice ${args.join(" ")}`).toEqual({ code: 0, stderr: "" });
  return stdout;
}

/** Cells of a table's rows, without its head; columns are five blanks or more apart. */
function cells(table: string): readonly (readonly string[])[] {
  const lines = table.trimEnd().split("\n").slice(1);
  return lines.map((line) => line.trimEnd().split(/ {5,}/));
}

const rows = async (...args: readonly string[]) => cells(await printed("proxy-config", ...args));

describe("proxy-status", () => {
  const names = async (): Promise<string[]> =>
    (await mesh.run()).pods.map(({ name, namespace }) => `${name}.${namespace}`).toSorted();

  test("has a column for each type, and a row for each proxy", async () => {
    const table = await mesh.waitFor(async () => {
      const now = await printed("proxy-status");
      return now.includes("STALE") ? undefined : now; // the last of the start may be on its way
    }, "all proxies to be in step");
    expect(table.split("\n")[0]?.split(/ {5,}/)).toEqual([
      "NAME",
      "CLUSTER",
      "CDS",
      "LDS",
      "EDS",
      "RDS",
      "ECDS",
      "ISTIOD",
      "VERSION",
    ]);
    const { controllerPid } = await mesh.run();
    const ages = /SYNCED \(\d+\w+\)/g;
    expect(cells(table.replace(ages, "SYNCED"))).toEqual(
      (await names()).map((name) => [
        ...[name, "Kubernetes", "SYNCED", "SYNCED", "SYNCED", "SYNCED", "NOT SENT"],
        ...[`sluice-${controllerPid}`, "1.40.0"],
      ]),
    );
  });

  test("names the subscribed types with -v 0, as istioctl does since 1.27", async () => {
    const table = await printed("ps", "-v", "0");
    expect(table.split("\n")[0]?.split(/ {5,}/)).toEqual(["NAME", "CLUSTER", "ISTIOD", "VERSION", "SUBSCRIBED TYPES"]);
    expect(cells(table).map((row) => [row[0], row[4]])).toEqual(
      (await names()).map((name) => [name, "4 (CDS,LDS,EDS,RDS)"]),
    );
  });

  test("is there for programs", async () => {
    const json = JSON.parse(await printed("proxy-status", "-o", "json")) as readonly ProxySync[];
    expect(json.map(({ name }) => name)).toEqual(await names());
    expect(parse(await printed("proxy-status", "-o", "yaml"))).toEqual(json);
    const one = JSON.parse(await printed("proxy-status", "webapp", "-o", "json"));
    expect(one).toEqual(json.filter(({ name }) => name.startsWith("webapp-")));
    const edge = JSON.parse(await printed("proxy-status", "-n", "istio-system", "-o", "json"));
    expect(edge).toEqual(json.filter(({ name }) => name.endsWith(".istio-system")));
  });
});

describe("proxy-config", () => {
  test.each<[string, readonly string[], readonly (readonly unknown[])[]]>([
    [
      "where calls of a service go",
      ["cluster", "webapp", "--fqdn", "catalog.shop", "--port", "80"],
      [["catalog.shop.svc.cluster.local", "80", "-", "outbound", "EDS"]],
    ],
    [
      "the application's own cluster",
      ["c", "webapp", "--direction", "inbound"],
      [["", "8080", "-", "inbound", "STATIC"]],
    ],
    [
      "routes, and the VirtualService they come from",
      ["route", "webapp", "--name", "http_proxy"],
      [
        ["http_proxy", "catalog.shop.svc.cluster.local:80", "catalog, catalog.shop + 1 more...", "/*", "catalog.shop"],
        [
          "http_proxy",
          "istio-ingressgateway.istio-system.svc.cluster.local:80",
          expect.stringMatching(/^istio-ingressgateway\.istio-system, 198\.19\.\d+\.\d+$/),
          "/*",
        ],
        ["http_proxy", "webapp.shop.svc.cluster.local:80", "webapp, webapp.shop + 1 more...", "/*"],
        ["http_proxy", "block_all", "*", "/*"],
      ],
    ],
    [
      "route configurations, counted",
      ["r", "webapp", "--name", "http_proxy", "--verbose=false"],
      [["http_proxy", "4"]],
    ],
  ])("%s: %j", async (_, args, expected) => {
    expect(await rows(...args)).toEqual(expected);
  });

  test("of the pods that a Deployment or a Service has", async () => {
    const listeners = await rows("l", "webapp", "--verbose=false");
    for (const name of ["deploy/webapp", "svc/webapp.shop"])
      expect(await rows("l", name, "--verbose=false")).toEqual(listeners);
  });

  test("a listener by its port", async () => {
    const { ip } = await mesh.pod("webapp");
    const [head, ...found] = (await printed("pc", "l", "webapp", "--port", "15007")).trimEnd().split("\n");
    expect(head).toMatch(/^ADDRESSES +PORT +MATCH DESTINATION$/);
    expect(found).toEqual([`${ip} 15007 ALL   Route: http_proxy`]);
  });

  test("endpoints by cluster, address and status", async () => {
    const ips = (await mesh.run()).pods.flatMap(({ workload, ip }) => (workload === "catalog" ? [ip] : []));
    const healthy = ips.map((ip) => [`${ip}:8080`, "HEALTHY", "OK", catalog]);
    expect(await rows("endpoint", "webapp", "--cluster", catalog, "--status", "healthy")).toEqual(healthy);
    expect(await rows("ep", "webapp", "--address", ips[0] ?? "", "--port", "8080")).toEqual(healthy.slice(0, 1));
    expect(await rows("ep", "webapp", "--cluster", catalog, "--status", "unhealthy")).toEqual([]);
  });

  test("all tables at once", async () => {
    const { stdout } = await sluice(["proxy-config", "all", "webapp", "--with-headers"]);
    const heads = ["BOOTSTRAP", "CLUSTER", "LISTENER", "ROUTE", "ENDPOINTS", "SECRETS", "ECDS"];
    expect(stdout.match(/(?<=^-+ )\w+(?= INFO -+$)/gm)).toEqual(heads);
    expect(stdout).toMatch(/^cluster\/outbound\|80\|\|catalog\.shop\.svc\.cluster\.local /m);
  });

  test.each(["cluster", "listener", "route", "ecds", "all"])(
    "%s: json and yaml are the same, and a dump as good as the proxy",
    async (view) => {
      const dump = join(mesh.dir, "..", "dump.json");
      await writeFile(dump, await printed("proxy-config", "all", "webapp", "-o", "json"));
      const [table, json, offlineTable, offlineJson, offlineYaml] = await Promise.all([
        printed("proxy-config", view, "webapp"),
        printed("proxy-config", view, "webapp", "-o", "json"),
        printed("proxy-config", view, "-f", dump),
        printed("proxy-config", view, "-f", dump, "-o", "json"),
        printed("proxy-config", view, "-f", dump, "-o", "yaml"),
      ]);
      expect(offlineTable).toBe(table);
      expect(JSON.parse(offlineJson)).toEqual(JSON.parse(json)); // Envoy prints maps in any order
      expect(parse(offlineYaml)).toEqual(JSON.parse(json));
    },
  );

  test("endpoints offline, from what the admin says of clusters", async () => {
    const file = join(mesh.dir, "..", "clusters.json");
    await writeFile(file, await mesh.admin("webapp", "/clusters?format=json"));
    expect(await printed("proxy-config", "endpoint", "-f", file)).toBe(
      await printed("proxy-config", "endpoint", "webapp"),
    );
  });
});

test("a plugin makes ECDS SYNCED on the proxies that run it, and stands in their slots", async () => {
  const url = await markModule("a");
  await mesh.apply("mark.yaml", wasmPlugin({ name: "mark", url, app: "webapp" }));
  await mesh.waitFor(async () => (await mesh.plugin("shop/mark"))?.acknowledged === 1, "the plugin to be live");
  const digest = (await mesh.plugin("shop/mark"))?.digest?.slice(0, 8);
  const states = cells(await printed("proxy-status")).map((row) => [
    row[0]?.replace(/-.*/, ""),
    row[6]?.replace(/ \(.*/, ""),
  ]);
  expect(states).toEqual([
    ["catalog", "NOT SENT"],
    ["catalog", "NOT SENT"],
    ["istio", "NOT SENT"],
    ["webapp", "SYNCED"],
  ]);
  const type = "envoy.extensions.common.matching.v3.ExtensionWithMatcher";
  expect((await rows("ecds", "webapp")).filter((row) => row[2] === "shop/mark")).toEqual([
    ["inbound/unspecified", type, "shop/mark", digest, "ALL"],
    ["outbound/unspecified", type, "shop/mark", digest, "ALL"],
  ]);
});

test("version has the controller's and the Envoys'", async () => {
  const envoys = `1.40.0 (${(await mesh.run()).pods.length} proxies)`;
  const lines = [`client version: ${version}`, `control plane version: ${version}`, `data plane version: ${envoys}`];
  expect(await printed("version")).toBe(`${lines.join("\n")}\n`);
});

test("the certificate of a proxy, and the root that it trusts, and no private key", async () => {
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  const serial = expect.stringMatching(/^[0-9a-f]{32}$/);
  const found = await mesh.waitFor(async () => {
    const now = await rows("secret", "webapp");
    return now.length === 2 && now.every((row) => row[2] === "ACTIVE") ? now : undefined;
  }, "both secrets");
  expect(found.toSorted()).toEqual([
    ["ROOTCA", "CA", "ACTIVE", "true", serial, time, time],
    ["default", "Cert Chain", "ACTIVE", "true", serial, time, time],
  ]);
  const json = await printed("proxy-config", "secret", "webapp", "-o", "json");
  expect(json).toMatch(/"private_key": \{\s+"inline_string": "\[redacted\]"/);
});

test("log levels are read, changed and set back", async () => {
  const levels = async (...args: readonly string[]): Promise<unknown> => {
    const text = await printed("proxy-config", "log", "webapp", ...args);
    expect(text).toMatch(/^webapp-\S+\.shop:\nactive loggers:\n/);
    return Object.fromEntries(
      [...text.matchAll(/^ {2}(http|router|admin): (\w+)$/gm)].map(([, name, level]) => [name, level]),
    );
  };
  const before = { admin: expect.any(String), http: expect.any(String), router: expect.any(String) };
  expect(await levels()).toEqual(before);
  expect(await levels("--level", "error,http:debug,router:info")).toEqual({
    admin: "error",
    http: "debug",
    router: "info",
  });
  expect(await levels("-r")).toEqual({ admin: "warning", http: "warning", router: "warning" });
});

describe("what can't be done is said, with istioctl's exit codes", () => {
  test.concurrent.each<[readonly string[], number, RegExp]>([
    [
      ["proxy-config", "cluster", "nobody"],
      1,
      /^Error: no running pod "nobody" with a proxy on this machine; there are catalog-\S+\.shop, /,
    ],
    [
      ["proxy-config", "cluster", "catalog"],
      1,
      /^Error: "catalog" stands for several pods: catalog-\S+\.shop, catalog-\S+\.shop; write one of them\n$/,
    ],
    [
      ["proxy-config", "cluster", "secret/catalog"],
      64,
      /^Error: "secret\/catalog" does not refer to a pod: write pod\/NAME, deployment\/NAME, .*, service\/NAME\n$/,
    ],
    [["proxy-config", "cluster"], 64, /^Error: cluster needs a pod's name or --file, and not both\n$/],
    [
      ["proxy-config", "cluster", "webapp", "-o", "xml"],
      64,
      /argument 'xml' is invalid. Allowed choices are short, json, yaml/,
    ],
    [["proxy-config", "cluster", "-f", "/nowhere/dump.json"], 1, /^Error: \/nowhere\/dump\.json: ENOENT/],
    [
      ["proxy-config", "cluster", "-f", import.meta.filename],
      1,
      /is not a config dump of Envoy, as GET \/config_dump\?include_eds prints it\n$/,
    ],
    [["proxy-status", "--wat"], 64, /unknown option '--wat'/],
    [["wat"], 64, /unknown command 'wat'/],
    [["up", "/nowhere"], 1, /^$/],
  ])("%j: %i", async (args, code, text) => {
    const ended = await sluice(args);
    expect(ended.code).toBe(code);
    expect(ended.stderr).toMatch(text);
  });

  test("no mesh", async () => {
    const text =
      "no mesh: `sluice up DIR` runs none on this machine, and there is no kubeconfig ($KUBECONFIG, ~/.kube/config, --kubeconfig) for one in Kubernetes\n";
    const failed = { code: 1, stdout: "", stderr: `Error: ${text}` };
    expect(await sluice(["proxy-status"], "/nowhere")).toEqual(failed);
    expect(await sluice(["pc", "cluster", "webapp"], "/nowhere")).toEqual(failed);
    const stderr = `Sluice is not present in the cluster: ${text}`;
    expect(await sluice(["version"], "/nowhere")).toEqual({ code: 0, stdout: `client version: ${version}\n`, stderr });
  });

  test.concurrent.each([
    [["up"]],
    [["controller"]],
    [["proxy-status"]],
    [["proxy-config"]],
    [["version"]],
    ...["cluster", "listener", "route", "endpoint", "secret", "ecds", "all", "log"].map((view) => [
      ["proxy-config", view],
    ]),
  ])("%j --help has examples", async (command) => {
    expect(await printed(...command, "--help")).toMatch(/\n\nExamples:\n(.*\n)* {2}sluice /);
  });
});
