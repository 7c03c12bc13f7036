import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { trusting } from "../../controller/ca/admission.ts";
import { type Resource, typeUrls, type XdsType } from "../../controller/model/resource.ts";
import { realClock } from "../../controller/ports/clock.ts";
import { TestLog } from "../../controller/ports/log.ts";
import type { XdsEvent } from "../../controller/xds/connection.ts";
import { XdsServer } from "../../controller/xds/server.ts";
import { freePort, startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { until } from "../support/wait.ts";
import { bootstrap, cluster, deny, endpoints, filter, listener, route, slot, snapshotOf } from "./xds-fixture.ts";

// The tests share one Envoy; each begins with `base` in force.

const log = new TestLog();
const upstreams: Server[] = [];
let ports: { ads: number; http: number; a: number; b: number };
let envoy: TestEnvoy;
let server: XdsServer;
let wanted: readonly Resource[] = [];
let events: XdsEvent[] = [];

beforeAll(async () => {
  ports = { ads: await freePort(), http: await freePort(), a: await upstream("a"), b: await upstream("b") };
  wanted = base();
  await startServer();
  envoy = await startEnvoy(bootstrap(ports.ads));
  await envoy.live();
});

afterAll(async () => {
  await envoy?.stop();
  await server?.close();
  for (const one of upstreams) one.close();
});

beforeEach(async () => {
  push(base());
  await synced();
  await envoy.waitFor(async () => (await ask()) === "a filter-1", "the base to be in force");
  events = [];
});

function base(): Resource[] {
  return [
    ...[cluster("a"), cluster("b"), endpoints("a", [ports.a]), endpoints("b", [ports.b])],
    ...[listener(ports.http, "80"), route("80", "a"), filter(slot, "filter-1")],
  ];
}

/** The base with some resources replaced or added, and some (`CDS a`) left out. */
function but(changes: readonly Resource[], without: readonly string[] = []): Resource[] {
  const key = ({ type, name }: Resource): string => `${type} ${name}`;
  const all = new Map([...base(), ...changes].map((one) => [key(one), one]));
  return [...all.values()].filter((one) => !without.includes(key(one)));
}

async function startServer(): Promise<void> {
  server = new XdsServer({
    ...{ deny, log, clock: realClock, identifier: "sluice-test" },
    admit: trusting("cluster.local"),
    targetFor: () => ({ snapshot: snapshotOf(wanted) }),
    onEvent: (event) => events.push(event),
  });
  await server.listen(`127.0.0.1:${ports.ads}`);
}

function push(resources: readonly Resource[]): void {
  wanted = resources;
  server.push();
}

/** All that was sent is acknowledged. */
function synced(...types: XdsType[]): Promise<unknown> {
  const all = types.length > 0 ? types : (Object.keys(typeUrls) as XdsType[]);
  const seen = (type: XdsType): string => server.proxies()[0]?.types[type].state ?? "absent";
  const isUnused = (type: XdsType): boolean => (type === "ECDS" || type === "SDS") && seen(type) === "NOT SENT";
  return until(
    () => all.every((type) => seen(type) === "SYNCED" || isUnused(type)),
    () => `the ACK of ${all.map((type) => `${type} (${seen(type)})`)}; log:\n${log.lines.join("\n")}`,
  );
}

/** What was sent since the test began: `CDS a b -c`. */
function sent(): string[] {
  return events.flatMap((event) => {
    if (event.kind !== "sent") return [];
    const names = [...event.resources.map(({ name }) => name), ...event.removed.map((name) => `-${name}`)];
    return [[event.type, ...names].join(" ")];
  });
}

async function upstream(name: string): Promise<number> {
  const one = createServer((_, response) => response.end(name));
  upstreams.push(one);
  return new Promise((resolve) => {
    one.listen(0, "127.0.0.1", () => {
      const address = one.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}

/** Names of what the first proxy, or another, has acknowledged or reported. */
function acked(type: XdsType, proxy = 0): string[] {
  const all = server.proxies()[proxy]?.types[type].delivered ?? [];
  return all.filter(({ delivery }) => delivery.state === "acked").map(({ name }) => name);
}

/** `a filter-1`: which upstream answered, and the filter's mark; `503` where it isn't a 200. */
async function ask(port = ports.http): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/`);
  const body = await response.text();
  return response.ok ? `${body} ${response.headers.get("x-slot")}` : String(response.status);
}

test("a proxy starts with clusters, endpoints, listener, route and filter, and is listed", async () => {
  expect(await ask()).toBe("a filter-1");
  expect(server.proxies()).toMatchObject([
    {
      proxy: { name: "web-1", namespace: "shop", labels: { app: "web" }, interception: "NONE", version: "1.40.0" },
      types: { CDS: { delivered: [{ name: "a", delivery: { state: "acked" } }, { name: "b" }] } },
    },
  ]);
  expect(await envoy.get("/stats?filter=control_plane.identifier")).toContain("sluice-test");
});

test("a changed filter and a changed route are live without a change of the listener", async () => {
  push(but([filter(slot, "filter-2"), route("80", "b")]));
  await envoy.waitFor(async () => (await ask()) === "b filter-2", "the change to be live");
  expect(sent()).toEqual([`ECDS ${slot}`, "RDS 80"]);
  expect(await envoy.stat("listener_manager.listener_modified")).toBe(0);
});

test("a changed cluster is live at once, because its endpoints are sent again", async () => {
  push(but([cluster("a", { connectMs: 777 })]));
  await envoy.waitFor(async () => (await envoy.stat("cluster_manager.cluster_modified")) > 0, "the cluster to change");
  await synced("CDS");
  expect(sent()).toEqual(["CDS a", "EDS a"]);
  expect(await envoy.stat("cluster_manager.warming_clusters")).toBe(0);
  const dump = await envoy.get("/config_dump?resource=dynamic_active_clusters&name_regex=^a$");
  expect(dump).toContain("0.777s");
});

test("a route to a new cluster and the removal of the old one fail no request", async () => {
  const answers = new Set([await ask()]);
  for (let round = 0; round < 10; round++) {
    const [name, old] = [`c-${round}`, `c-${round - 1}`];
    const next = [cluster(name), endpoints(name, [ports.b]), route("80", name)];
    events = [];
    push(but(next, ["CDS a", "EDS a"]));
    const hasOld = round === 0 ? "a" : old;
    expect(sent()).toEqual([`CDS ${name}`, `EDS ${name}`, "RDS 80", `CDS -${hasOld}`]);
    await envoy.waitFor(async () => {
      const answer = await ask();
      answers.add(answer);
      return (await envoy.get("/config_dump?resource=dynamic_route_configs")).includes(`"${name}"`);
    }, `the route to ${name}`);
  }
  expect([...answers].sort()).toEqual(["a filter-1", "b filter-1"]);
});

test("a refused cluster is named, serves in its old version, and holds nothing up", async () => {
  push(but([cluster("a", { isBad: true }), cluster("b", { connectMs: 778 }), cluster("c"), endpoints("c", [])]));
  const nacked = await until(() => events.find((event) => event.kind === "nacked"), "the NACK");
  expect(nacked).toMatchObject({
    refused: [
      {
        resource: { name: "a" },
        reason: expect.stringMatching(/^ring hash: minimum_ring_size/),
        live: cluster("a").version,
      },
    ],
  });
  await until(() => acked("CDS").join(" ") === "b c", "the ACK of the others");
  expect(server.proxies()[0]?.types.CDS.state).toBe("STALE");
  expect(await envoy.get("/config_dump?resource=dynamic_active_clusters&name_regex=^b$")).toContain("0.778s");
  expect(await envoy.stat("cluster_manager.warming_clusters")).toBe(0);
  expect(await ask()).toBe("a filter-1");
  push(but([cluster("b", { connectMs: 779 })]));
  await synced("CDS");
});

test("the good half of what is refused at start-up is live, and sent again so that Envoy remembers it", async () => {
  const port = await freePort();
  wanted = but(
    [cluster("a", { isBad: true }), listener(port, "80"), route("80", "b")],
    [`LDS ${listener(ports.http, "80").name}`],
  );
  const second = await startEnvoy(bootstrap(ports.ads));
  try {
    await second.live();
    await second.waitFor(async () => (await ask(port)) === "b filter-1", "traffic by the good half");
    await until(() => acked("CDS", 1).join(" ") === "b", "the ACK of the good half");
    expect(sent().filter((line) => line.startsWith("CDS"))).toEqual(["CDS a b", "CDS -a", "CDS b"]);
    await server.close();
    events = [];
    await startServer();
    await until(() => server.proxies().length === 2 && events.some(({ kind }) => kind === "nacked"), "both to be back");
    await until(() => acked("CDS", 0).includes("b") && acked("CDS", 1).includes("b"), "their report");
    expect(sent().filter((line) => / b( |$)/.test(line))).toEqual([]);
  } finally {
    await second.stop();
  }
});

test("a restarted controller sends nothing again", async () => {
  await server.close();
  expect(await ask()).toBe("a filter-1");
  events = [];
  await startServer();
  await synced();
  const acked = server.proxies()[0]?.types.ECDS;
  expect(acked?.state).toBe("NOT SENT"); // no plugins in the slot
  push(but([filter(slot, "after")]));
  await envoy.waitFor(async () => (await ask()) === "a after", "a change to be live");
  expect(sent()).toEqual([`ECDS ${slot}`]);
});

test("what changed while the controller was down: clusters go only after the routes that used them", async () => {
  await server.close();
  wanted = but([cluster("c"), endpoints("c", [ports.b]), route("80", "c")], ["CDS a", "EDS a", "CDS b", "EDS b"]);
  events = [];
  let isDone = false;
  const answers = new Set([await ask()]);
  const load = (async () => {
    while (!isDone) answers.add(await ask());
  })();
  await startServer();
  await until(() => sent().includes("CDS -a -b"), "the removal");
  await synced();
  await until(() => answers.has("b filter-1"), "an answer by the new route");
  isDone = true;
  await load;
  expect([...answers].sort()).toEqual(["a filter-1", "b filter-1"]);
  expect(sent().filter((line) => !line.startsWith("EDS"))).toEqual(["CDS c", "RDS 80", "CDS -a -b"]);
});

test("… nothing but a removal: an empty response makes Envoy answer, and the removal follows", async () => {
  await server.close();
  wanted = but([], ["CDS b", "EDS b"]);
  events = [];
  await startServer();
  await until(() => sent().includes("CDS -b"), "the removal");
  await synced();
  expect(sent()).toEqual(["LDS", "CDS -b"]);
  expect(await ask()).toBe("a filter-1");
});

test("a route that doesn't exist is denied at once, and served as soon as it exists", async () => {
  const port = await freePort();
  push(but([listener(port, "unknown")]));
  await envoy.waitFor(async () => (await ask(port)) === "503", "the denial");
  push(but([listener(port, "unknown"), route("unknown", "b")]));
  await envoy.waitFor(async () => (await ask(port)) === "b filter-1", "the route");
});
