import { constants } from "node:http2";
import { connect } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { attach } from "../support/attach.ts";
import { call } from "../support/http.ts";
import { emptyMessage, grpcHeaders, type Http2Reply, http2Call, openHttp2 } from "../support/http2.ts";
import type { SeenRequest } from "../support/http2-app.ts";
import { node, startMesh, type TestMesh } from "../support/mesh.ts";
import { inARow } from "../support/wait.ts";
import { envoyOfWorkers, type WorkersEnvoy } from "../support/workers.ts";
import { gatewayTo, type PluginYaml, workload } from "../support/yaml.ts";

// Deadlines as the controller delivers them, with mutual TLS between the sidecars: gateway -> webapp -> catalog, in each
// protocol, on one worker and on four. What is left is told, and at its end callers are answered and the applications,
// which work on, see the reset.

/** Time for a request to come to the last application, also where the machine is busy. */
const leftMs = 2000;
const app = join(import.meta.dirname, "..", "support", "http2-app.ts");
const program = (service: string) => ({ port: "grpc", command: [node, app, service] });

const relative = { "x-request-timeout-ms": String(leftMs) };
const grpc = { "grpc-timeout": `${leftMs}m` };

const edge = "istio-ingressgateway";
type Where = Pick<PluginYaml, "app" | "namespace">;
const everywhere: Where = { namespace: "istio-system" };

/** How a caller asks. Its reply, and the code of a reset. */
type Ask = (to: Way, path: string) => Promise<Http2Reply>;

/** How a request reaches Envoy. */
interface Way {
  /** A new connection. */
  connect(): Promise<Duplex>;
  /** Over HTTP/1.1. */
  get(path: string, headers: Readonly<Record<string, string>>): ReturnType<typeof call>;
}

const protocols: Readonly<Record<string, { readonly header: string; readonly ask: Ask; readonly path?: string }>> = {
  "HTTP/1.1": {
    header: "x-request-timeout-ms",
    ask: async (to, path) => {
      const { status, headers, body } = await to.get(path, relative);
      return { headers: Object.assign({ ":status": status }, headers), body, code: 0 };
    },
  },
  "HTTP/2": {
    header: "x-request-timeout-ms",
    ask: async (to, path) => http2Call(await to.connect(), { ":path": path, ...authority, ...relative }),
  },
  gRPC: {
    header: "grpc-timeout",
    ask: async (to, path) => http2Call(await to.connect(), rpc(path), emptyMessage),
  },
  "gRPC whose request streams": { header: "grpc-timeout", ask: streaming },
  "gRPC whose response streams": { header: "grpc-timeout", path: "/stream", ask: streaming },
};

const authority = { ":authority": "catalog.shop" };
const rpc = (path: string) => grpcHeaders({ ":path": path, ...authority, ...grpc });

/** Sends one message, and leaves the request open. */
async function streaming(to: Way, path: string): Promise<Http2Reply> {
  const { stream, end } = openHttp2(await to.connect(), rpc(path));
  stream.write(emptyMessage);
  return await end;
}

describe.each([1, 4])("%i workers", (count) => {
  let workers: WorkersEnvoy;
  let mesh: TestMesh;
  let gateway: Way;
  let sidecar: Way;

  beforeAll(async () => {
    workers = await envoyOfWorkers(count);
    const files = {
      "catalog.yaml": workload("catalog", program("")),
      "webapp.yaml": workload("webapp", program("catalog.shop")),
      "edge.yaml": gatewayTo("webapp"),
    };
    mesh = await startMesh(files, workers.env);
    const [entry, proxy] = [await mesh.gateway(), await mesh.httpProxy("webapp")];
    gateway = { connect: async () => connect(entry), get: (path, headers) => call({ ...entry, path, headers }) };
    sidecar = {
      connect: () => mesh.connection("webapp", "catalog.shop"),
      get: (path, headers) => call({ ...proxy, path: `http://catalog.shop${path}`, headers }),
    };
    for (const way of [gateway, sidecar]) {
      await mesh.waitFor(async () => (await way.get("/", {})).status === 200, "the mesh to serve");
    }
  }, 120_000);
  afterAll(async () => {
    await mesh?.stop();
    await workers?.remove();
  });

  let attached = "";

  /** Sees to it that the filter is in a place, on all workers, and nowhere else. */
  async function attachTo(where: Where, config: PluginYaml["config"] = { max: "1h" }): Promise<void> {
    const plugin = { name: "deadline", url: "builtin://deadline", config, ...where };
    if (attached === JSON.stringify(plugin)) return;
    await attach(mesh, plugin);
    attached = JSON.stringify(plugin);
    const passed = { "x-request-timeout-ms": "0" };
    const { ip } = await mesh.pod("catalog");
    const statuses: Readonly<Record<string, () => Promise<unknown>>> = {
      [edge]: async () => (await gateway.get("/", passed)).status,
      webapp: async () => (await sidecar.get("/", passed)).status,
      catalog: async () =>
        (await http2Call(connect({ host: ip, port: 8080 }), { ":path": "/", ...passed })).headers[":status"],
    };
    for (const [place, status] of Object.entries(statuses))
      if ((where.app ?? place) === place)
        await mesh.waitFor(
          inARow(40, async () => (await status()) === 504),
          `all workers of ${place} to have it`,
        );
  }

  /** What an application has seen so far. */
  async function seenBy(name: string): Promise<readonly SeenRequest[]> {
    const { status, body } = await (name === "webapp" ? gateway : sidecar).get("/seen", {});
    expect(status).toBe(200);
    return JSON.parse(body);
  }

  /** What came of requests, four at a time, and what applications were told, the last of which saw that they were broken off. */
  async function inParallel(apps: readonly string[], ask: () => Promise<Http2Reply>) {
    const before = await Promise.all(apps.map(async (name) => (await seenBy(name)).length));
    const replies = await Promise.all(Array.from({ length: 4 }, ask));
    const since = async (name: string) => (await seenBy(name)).slice(before[apps.indexOf(name)]);
    const last = apps.at(-1) ?? "";
    const broken = async () => (await since(last)).filter(({ isBroken }) => isBroken).length;
    await mesh.waitFor(async () => (await broken()) === replies.length, `${last} to see the resets`);
    const told = (await Promise.all(apps.map(since))).flat();
    expect(told).toHaveLength(apps.length * replies.length);
    return { replies, told };
  }

  describe.each`
    place                | where                 | apps
    ${"gateway"}         | ${{ app: edge }}      | ${["webapp"]}
    ${"client sidecar"}  | ${{ app: "webapp" }}  | ${["catalog"]}
    ${"server sidecar"}  | ${{ app: "catalog" }} | ${["catalog"]}
    ${"the whole chain"} | ${everywhere}         | ${["webapp", "catalog"]}
  `("$place", ({ where, apps }: { readonly where: Where; readonly apps: readonly string[] }) => {
    test.each(Object.keys(protocols))("%s", async (protocol) => {
      await attachTo(where);
      const { header, ask, path = "/never" } = protocols[protocol] ?? expect.fail();
      const way = apps.includes("webapp") ? gateway : sidecar;
      const { replies, told } = await inParallel(apps, () => ask(way, apps.length > 1 ? `/next${path}` : path));
      for (const reply of replies) expectEnd(protocol, reply);
      for (const { headers } of told) {
        expect(headers["x-forwarded-client-cert"]).toContain("URI=spiffe://");
        const ns = nanoseconds(String(headers[header]));
        expect(ns).toBeGreaterThan(0);
        expect(ns).toBeLessThan(leftMs * 1e6);
      }
    });
  });

  describe("a default", () => {
    /** What applications are told by a request without a deadline. */
    async function toldOf(names: readonly string[], ask: () => Promise<unknown>): Promise<readonly unknown[]> {
      await attachTo(everywhere, { default: "5s" });
      const before = await Promise.all(names.map(async (name) => (await seenBy(name)).length));
      await ask();
      const seen = await Promise.all(names.map(async (name, i) => (await seenBy(name)).slice(before[i])));
      return seen.flat().map(({ headers }) => headers["x-request-timeout-ms"]);
    }

    test("is given at the gateway, and goes on to whatever the request causes", async () => {
      const told = await toldOf(["webapp", "catalog"], () => gateway.get("/next/items", {}));
      expect(told).toEqual([expect.stringMatching(/^\d{1,4}$/), expect.stringMatching(/^\d{1,4}$/)]);
      for (const text of told) expect(Number(text)).toBeLessThanOrEqual(5000);
    });

    test("is what the annotation of a VirtualService says, or none", async () => {
      const edgeYaml = gatewayTo("webapp");
      const told = async () => (await toldOf(["webapp"], () => gateway.get("/items", {})))[0];
      const annotated = async (value: string, isLive: (text: unknown) => boolean) => {
        const annotation = `$&, annotations: {sluice.dev/deadline-default: "${value}"}`;
        await mesh.apply("edge.yaml", edgeYaml.replace(/VirtualService\n.*namespace: shop/, annotation));
        await mesh.waitFor(async () => isLive(await told()), `a default of ${value}`);
      };
      await annotated("none", (text) => text === undefined);
      await annotated("60s", (text) => Number(text) > 5000);
      await mesh.apply("edge.yaml", edgeYaml);
      await mesh.waitFor(async () => Number(await told()) <= 5000, "the configured default");
    });

    test("is given to whoever comes without mutual TLS", async () => {
      const { ip } = await mesh.pod("catalog");
      const ask = () => http2Call(connect({ host: ip, port: 8080 }), { ":path": "/items" });
      expect(await toldOf(["catalog"], ask)).toEqual([expect.stringMatching(/^\d{1,4}$/)]);
    });

    test("is not given within the mesh", async () => {
      expect(await toldOf(["catalog"], () => sidecar.get("/items", {}))).toEqual([undefined]);
    });
  });
});

function expectEnd(protocol: string, { headers, code }: Http2Reply): void {
  const responded = protocol.includes("response");
  expect(code !== constants.NGHTTP2_NO_ERROR).toBe(responded);
  const status = protocol.startsWith("gRPC") ? 200 : 504;
  const grpcStatus = status === 200 && !responded ? "4" : undefined;
  expect(headers).toMatchObject({ ":status": status });
  expect([headers["grpc-status"], headers["x-deadline"]]).toEqual([grpcStatus, responded ? undefined : "exceeded"]);
}

/** Of whole milliseconds, or a grpc-timeout in the units that a time below 100 s has. */
function nanoseconds(text: string): number {
  expect(text).toMatch(/^\d{1,8}[nu]?$/);
  const unit = { n: 1, u: 1e3 }[text.at(-1) ?? ""];
  return unit === undefined ? Number(text) * 1e6 : Number(text.slice(0, -1)) * unit;
}
