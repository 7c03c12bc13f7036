// The commands as a shell sees them: arguments in, text and exit code out.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CliDeps, RunningMesh, RunningPod } from "./deps.ts";
import { httpGet } from "./http-get.ts";
import { execute, newProgram } from "./program.ts";
import { registerProxyConfig } from "./proxy-config.ts";
import { registerProxyStatus } from "./proxy-status.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-cli-"));
const adminSocket = join(folder, "admin.sock");
const testdata = (name: string): string => readFileSync(`${import.meta.dirname}/testdata/${name}`, "utf8");
const state = { state: "SYNCED" };
const sync = (name: string) => ({
  name,
  cluster: "Kubernetes",
  version: "1.40.0",
  controller: "sluice",
  connectedAtMs: 0,
  types: { CDS: state, LDS: state, EDS: state, RDS: state, ECDS: { state: "NOT SENT" } },
});
const answers: Readonly<Record<string, string>> = {
  "/config_dump?include_eds": testdata("config_dump.json"),
  "/clusters?format=json": testdata("clusters.json"),
  "/debug/syncz": JSON.stringify([
    sync("webapp-7d9c-x2k9q.istioinaction"),
    sync("catalog-1.istioinaction"),
    sync("webapp-2.shop"),
  ]),
};

/** Stands for an Envoy's admin and, on TCP, for a controller. */
const server = createServer(({ url = "" }, response) => {
  const body = answers[url];
  response.writeHead(body === undefined ? 404 : 200).end(body ?? "no such path");
});
const controller = createServer((request, response) => server.emit("request", request, response));

beforeAll(async () => {
  await new Promise<void>((listening) => server.listen(adminSocket, listening));
  await new Promise<void>((listening) => controller.listen(0, "127.0.0.1", listening));
});
afterAll(() => {
  server.close();
  controller.close();
  rmSync(folder, { recursive: true });
});

function monitoringPort(): number {
  const address = controller.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function pod(name: string, namespace: string, workload: string): RunningPod {
  return { name, namespace, workload, ip: "127.0.0.1", adminSocket };
}

const pods = [
  pod("webapp-7d9c-x2k9q", "istioinaction", "webapp"),
  pod("catalog-1", "istioinaction", "catalog"),
  pod("catalog-v2-1", "istioinaction", "catalog-v2"),
  pod("webapp-2", "shop", "webapp"),
  { ...pod("gone-1", "shop", "gone"), adminSocket: join(folder, "none.sock") },
];

async function sluice(args: string, meshes?: readonly RunningMesh[]) {
  const text = { out: "", err: "" };
  const write = {
    out: (part: string) => {
      text.out += part;
    },
    err: (part: string) => {
      text.err += part;
    },
  };
  const deps: CliDeps = {
    meshes: () => meshes ?? [{ dir: "/mesh", monitoringPort: monitoringPort(), pods }],
    readText: async (path) => testdata(path),
    get: httpGet,
    nowMs: () => 0,
    print: write.out,
  };
  const program = newProgram("0.1.0", write);
  registerProxyConfig(program, deps);
  registerProxyStatus(program, deps);
  const code = await execute(program, args.split(" "), write.err);
  return { code, ...text };
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
    ["pc endpoints -f config_dump.json", "eds.txt"],
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
    const { out } = await sluice(`pc ecds catalog --proxy-admin-port ${monitoringPort()} -o yaml`);
    expect(out).toContain("ecds_filters:\n- ecds_filter:");
  });

  test.each([
    [
      "pc c nothing",
      1,
      'no pod "nothing" runs here; running: catalog-1.istioinaction, catalog-v2-1.istioinaction, gone-1.shop, webapp-2.shop, webapp-7d9c-x2k9q.istioinaction',
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
    ["pc c deploy/catalog-1", 1, 'no pod "deploy/catalog-1" runs here'],
    ["pc c service/catalog", 64, '"service/catalog" does not refer to a pod: write pod/NAME or deployment/NAME'],
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
    const meshes = ["/a", "/b"].map((dir) => ({ dir, monitoringPort: 1, pods: [pod("web-1", "shop", "web")] }));
    const { err } = await sluice("pc c web", meshes);
    expect(err).toBe('Error: "web" stands for several pods: web-1.shop (/a), web-1.shop (/b); write one of them\n');
  });

  test("every command's help has examples", async () => {
    for (const name of ["cluster", "listener", "route", "endpoint", "ecds", "all"]) {
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
    ["ps catalog-v2", []],
  ])("%s", async (args, expected) => {
    expect(names((await sluice(args)).out)).toEqual(expected);
  });

  test("-v 0 is istioctl's table since 1.27", async () => {
    expect((await sluice("ps -v 0")).out).toMatch(/SUBSCRIBED TYPES\n.*4 \(CDS,LDS,EDS,RDS\)\n/);
  });

  test("-o json is what the controller answers", async () => {
    expect(JSON.parse((await sluice("ps catalog -o json")).out)).toEqual([sync("catalog-1.istioinaction")]);
  });

  test("without a mesh says how to start one, without a controller where it should be", async () => {
    expect(await sluice("ps", [])).toEqual({
      code: 1,
      out: "",
      err: "Error: no mesh runs on this machine: start one with `sluice up DIR`\n",
    });
    const { code, err } = await sluice("ps", [{ dir: "/mesh", monitoringPort: 1, pods }]);
    expect(code).toBe(1);
    expect(err).toContain("Error: controller of /mesh: GET /debug/syncz at 127.0.0.1:1: ");
  });
});

test("a status other than 200 is an error with its text", async () => {
  await expect(httpGet({ socket: adminSocket }, "/x")).rejects.toThrow(
    `GET /x at ${adminSocket}: status 404: no such path`,
  );
});
