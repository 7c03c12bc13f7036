// The commands as a shell sees them: arguments in, text and exit code out.
import type { Server } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunningMesh } from "./deps.ts";
import { httpAsk } from "./http-ask.ts";
import {
  fakeServer,
  type Outcome,
  portOf,
  runningPod,
  scratch,
  sluice as shell,
  sync,
  testdata,
} from "./test-support/shell.ts";

const folder = scratch();
const adminSocket = join(folder.path, "admin.sock");
let admin: Server;
let controller: Server;

beforeAll(async () => {
  admin = await fakeServer({ path: adminSocket });
  controller = await fakeServer({ port: 0 });
});
afterAll(() => {
  admin.close();
  controller.close();
  folder.remove();
});

const pods = [
  runningPod("webapp-7d9c-x2k9q", "istioinaction", "webapp", adminSocket),
  runningPod("catalog-1", "istioinaction", "catalog", adminSocket),
  runningPod("catalog-v2-1", "istioinaction", "catalog-v2", adminSocket),
  runningPod("webapp-2", "shop", "webapp", adminSocket),
  runningPod("gone-1", "shop", "gone", join(folder.path, "none.sock")),
];

const services = [
  { name: "catalog", namespace: "istioinaction", selector: { app: "catalog" } },
  { name: "web", namespace: "istioinaction", selector: { app: "webapp" } },
  { name: "web", namespace: "shop", selector: { app: "webapp" } },
  { name: "outside", namespace: "shop", selector: {} },
];

/** On a machine where a mesh runs. */
function sluice(args: string, meshes?: readonly RunningMesh[]): Promise<Outcome> {
  return shell(args, {
    meshes: () => meshes ?? [{ dir: "/mesh", monitoringPort: portOf(controller), pods, services }],
  });
}

describe("proxy-config", () => {
  test.each([
    ["proxy-config cluster catalog", "cluster.txt"],
    ["pc c catalog-1.istioinaction", "cluster.txt"],
    ["pc clusters -f config_dump.json", "cluster.txt"],
    ["pc l deploy/catalog --verbose=false", "listener-brief.txt"],
    ["pc listeners pod/catalog-1 --verbose", "listener.txt"],
    ["pc r webapp -n shop", "route.txt"],
    ["pc ep webapp.istioinaction", "endpoint.txt"],
    ["pc c service/catalog", "cluster.txt"],
    ["pc c svc/web.shop", "cluster.txt"],
    ["pc endpoints -f config_dump.json", "eds.txt"],
    ["pc secret catalog", "secret.txt"],
    ["pc s -f config_dump.json", "secret.txt"],
    ["pc ec catalog", "ecds.txt"],
    ["pc all catalog --with-headers", "all.txt"],
    ["pc a catalog --verbose=false", "all-brief.txt"],
  ])("%s", async (args, golden) => {
    expect(await sluice(args)).toEqual({ code: 0, out: testdata(golden), err: "" });
  });

  test("-o json of a filtered table", async () => {
    const { out } = await sluice("pc r catalog --name 80 -o json");
    expect(JSON.parse(out)).toMatchObject([{ name: "80", virtual_hosts: [{}, {}, {}, {}] }]);
  });

  test("all -o json is the dump, and can be read again", async () => {
    expect(JSON.parse((await sluice("pc a catalog -o json")).out)).toEqual(JSON.parse(testdata("config_dump.json")));
  });

  test("--proxy-admin-port asks the pod's IP", async () => {
    const { out } = await sluice(`pc ecds catalog --proxy-admin-port ${portOf(controller)} -o yaml`);
    expect(out).toContain("ecds_filters:\n- ecds_filter:");
  });

  test.each([
    [
      "pc c nothing",
      1,
      'no running pod "nothing" with a proxy on this machine; there are catalog-1.istioinaction, catalog-v2-1.istioinaction, gone-1.shop, webapp-2.shop, webapp-7d9c-x2k9q.istioinaction',
    ],
    [
      "pc c webapp",
      1,
      '"webapp" stands for several pods: webapp-2.shop, webapp-7d9c-x2k9q.istioinaction; write one of them',
    ],
    [
      "pc c cat.istioinaction",
      1,
      '"cat.istioinaction" stands for several pods: catalog-1.istioinaction, catalog-v2-1.istioinaction; write one of them',
    ],
    ["pc c deploy/catalog-1", 1, 'no Deployment "catalog-1" on this machine'],
    ["pc c svc/none -n shop", 1, 'no Service "none" in namespace shop on this machine'],
    ["pc c svc/outside", 1, 'Service "outside" on this machine has no running pod'],
    [
      "pc c svc/web",
      1,
      '"svc/web" stands for several pods: webapp-2.shop, webapp-7d9c-x2k9q.istioinaction; write one of them',
    ],
    ["pc c sts/catalog", 1, 'no StatefulSet "catalog" on this machine'],
    ["pc c webapp -n none", 1, 'no running pod "webapp" with a proxy in namespace none on this machine; there is none'],
    [
      "pc c secret/catalog",
      64,
      '"secret/catalog" does not refer to a pod: write pod/NAME, deployment/NAME, statefulset',
    ],
    ["pc c gone", 1, "Envoy of gone-1.shop: GET /config_dump?include_eds at "],
    [
      "pc c -f clusters.json",
      1,
      "clusters.json: is not a config dump of Envoy, as GET /config_dump?include_eds prints it",
    ],
    ["pc c -f missing.json", 1, "missing.json: ENOENT"],
    ["pc c", 64, "cluster needs a pod's name or --file, and not both"],
    ["pc c catalog -f config_dump.json", 64, "cluster needs a pod's name or --file, and not both"],
    ["pc c catalog --wrong", 64, "unknown option '--wrong'"],
    ["pc c catalog --port 0", 64, "A port is a number from 1 to 65535"],
    ["pc c catalog -o xml", 64, "Allowed choices are short, json, yaml"],
    ["pc l catalog --verbose=maybe", 64, "Write --verbose=true or --verbose=false"],
    ["pc nothing", 64, "unknown command 'nothing'"],
  ])("%s ends with %i", async (args, code, message) => {
    const result = await sluice(args);
    expect(result.err).toContain(message);
    expect(result).toMatchObject({ code, out: "" });
  });

  test("where several meshes run, candidates are told with their folder", async () => {
    const meshes = ["/a", "/b"].map((dir) => ({
      dir,
      monitoringPort: 1,
      pods: [runningPod("web-1", "shop", "web", adminSocket)],
      services: [],
    }));
    const { err } = await sluice("pc c web", meshes);
    expect(err).toBe('Error: "web" stands for several pods: web-1.shop (/a), web-1.shop (/b); write one of them\n');
  });

  test("every command's help has examples", async () => {
    for (const name of ["cluster", "listener", "route", "endpoint", "secret", "ecds", "all", "log"]) {
      const { code, out } = await sluice(`pc ${name} --help`);
      expect(code).toBe(0);
      expect(out).toContain(`Examples:\n  # `);
      expect(out).toContain(`sluice proxy-config ${name} `);
    }
  });
});

describe("proxy-status", () => {
  const names = (out: string): readonly (string | undefined)[] =>
    out
      .trimEnd()
      .split("\n")
      .slice(1)
      .map((line) => line.split(" ")[0]);

  test("has a column for each type, rows by name", async () => {
    const { code, out } = await sluice("proxy-status");
    expect(code).toBe(0);
    expect(out).toMatch(/^NAME +CLUSTER +CDS +LDS +EDS +RDS +ECDS +ISTIOD +VERSION\n/);
    expect(names(out)).toEqual(["catalog-1.istioinaction", "webapp-2.shop", "webapp-7d9c-x2k9q.istioinaction"]);
  });

  test.each([
    ["ps -n shop", ["webapp-2.shop"]],
    ["ps catalog", ["catalog-1.istioinaction"]],
  ])("%s", async (args, expected) => {
    expect(names((await sluice(args)).out)).toEqual(expected);
  });

  test("of a pod whose proxy is not connected says so", async () => {
    expect(await sluice("ps catalog-v2 -o json")).toEqual({
      code: 1,
      out: "",
      err: "Error: the proxy of catalog-v2-1.istioinaction is not connected to the control plane; the log of its Envoy says why\n",
    });
  });

  test("-v 0 is istioctl's table since 1.27", async () => {
    expect((await sluice("ps -v 0")).out).toMatch(/SUBSCRIBED TYPES\n.*4 \(CDS,LDS,EDS,RDS\)\n/);
  });

  test("-o json is what the controller answers", async () => {
    expect(JSON.parse((await sluice("ps catalog -o json")).out)).toEqual([sync("catalog-1.istioinaction")]);
  });

  test("without a mesh says how to start one, without a controller where it should be", async () => {
    const none = await sluice("ps", []);
    expect(none).toMatchObject({ code: 1, out: "" });
    expect(none.err).toContain("`sluice up DIR` runs none on this machine, and there is no kubeconfig");
    const { code, err } = await sluice("ps", [{ dir: "/mesh", monitoringPort: 1, pods, services }]);
    expect(code).toBe(1);
    expect(err).toContain("Error: controller of /mesh: GET /debug/syncz at 127.0.0.1:1: ");
  });
});

describe("proxy-config log", () => {
  test.each([
    ["pc log catalog", "catalog-1.istioinaction:\nactive loggers:\n  http: info\n"],
    ["pc o catalog -r", "catalog-1.istioinaction:\nactive loggers:\n  http: warning\n"],
    [
      "pc log catalog --level warn,http:debug,router=warn",
      "catalog-1.istioinaction:\nactive loggers:\n  http: debug\n",
    ],
  ])("%s", async (args, out) => {
    expect(await sluice(args)).toEqual({ code: 0, out, err: "" });
  });

  test.each([
    [
      "pc log catalog --level loud,http:none,http:debug",
      64,
      '"loud", "http:none": write [LOGGER:]LEVEL with a level of trace, debug,',
    ],
    ["pc log catalog --level debug -r", 64, "--level cannot be combined with --reset"],
    [
      "pc log catalog --level nosuch:debug",
      1,
      "Envoy of catalog-1.istioinaction: POST /logging?paths=nosuch%3Adebug at",
    ],
    ["pc log", 64, "missing required argument 'pod'"],
  ])("%s ends with %i", async (args, code, message) => {
    const result = await sluice(args);
    expect(result.err).toContain(message);
    expect(result).toMatchObject({ code, out: "" });
  });
});

test("a status other than 200 is an error with its text", async () => {
  await expect(httpAsk({ socket: adminSocket }, { path: "/x" })).rejects.toThrow(
    `GET /x at ${adminSocket}: status 404: no such path`,
  );
});
