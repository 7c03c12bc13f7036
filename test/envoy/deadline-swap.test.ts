import { Agent } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { withCustomSection } from "../../sdk/build/custom-sections.ts";
import { filterModule } from "../support/filter-module.ts";
import { call, type LoadResult, startLoad, type Target, tally } from "../support/http.ts";
import { emptyMessage, grpcHeaders, type Http2Reply, openHttp2 } from "../support/http2.ts";
import { storedFile } from "../support/kept.ts";
import { node, startMesh, type TestMesh } from "../support/mesh.ts";
import { trapHeaders, trapping } from "../support/trapping.ts";
import { until } from "../support/wait.ts";
import { envoyOfWorkers, type WorkersEnvoy } from "../support/workers.ts";
import { gatewayTo, virtualService, wasmPlugin, workload } from "../support/yaml.ts";

// Deadlines while the filter is swapped under load, in a mesh of the control plane, and while its VM is made anew: at client,
// server and gateway, whose service `stock` speaks gRPC.

const http2App = join(import.meta.dirname, "..", "support", "http2-app.ts");

vi.setConfig({ hookTimeout: 120_000 });

describe.each([1, 4])("in a mesh, on %i workers", (count) => {
  let workers: WorkersEnvoy;
  let mesh: TestMesh;
  let target: Target;
  let module: Uint8Array;
  let modules: readonly string[];
  /** Connections for gRPC: through webapp's sidecar, and through the gateway. */
  let ways: readonly (() => Promise<Duplex>)[];

  beforeAll(async () => {
    module = await filterModule("deadline");
    const other = await storedFile("deadline-other", withCustomSection(module, "test.other", new Uint8Array(1)));
    modules = ["builtin://deadline", pathToFileURL(other).href];
    workers = await envoyOfWorkers(count);
    const files = {
      "catalog.yaml": workload("catalog"),
      "webapp.yaml": workload("webapp"),
      "stock.yaml": workload("stock", { port: "grpc", command: [node, http2App, ""] }),
      "edge.yaml": gatewayTo("stock"),
      "deadline.yaml": plugins(0),
    };
    mesh = await startMesh(files, workers.env);
    target = await mesh.httpProxy("webapp");
    const entry = await mesh.gateway();
    ways = [() => mesh.connection("webapp", "stock.shop"), async () => connect(entry)];
    await mesh.waitFor(async () => (await call({ ...entry, path: "/" })).status === 200, "the gateway to serve");
    await mesh.waitFor(
      async () => (await call({ ...target, path: "http://stock.shop/" })).status === 200,
      "stock to serve",
    );
  });
  afterAll(async () => {
    await mesh?.stop();
    await workers?.remove();
  });

  /** Module and settings of the n-th swap, which the header shows: both change by turns. */
  const plugins = (n: number, url = modules[Math.floor(n / 2) % 2] ?? ""): string => {
    const yaml = { name: "deadline", url, config: { header: `x-left-${n}`, tick: n % 2 ? "20ms" : "50ms" } };
    const ofGateway = { selector: { matchLabels: { istio: "ingressgateway" } } };
    const edge = wasmPlugin({ ...yaml, spec: ofGateway }).replace("namespace: shop", "namespace: istio-system");
    return `${wasmPlugin(yaml)}---\n${edge}`;
  };

  /** Waits until the gateway has it, and catalog's sidecar, which is told an hour by webapp's, tells an hour in this header, too. */
  async function live(n: number): Promise<void> {
    const filters = () => mesh.admin("istio-ingressgateway", "/config_dump?resource=ecds_filters");
    await mesh.waitFor(async () => (await filters()).includes(`x-left-${n}`), `swap ${n} to be at the gateway`);
    await mesh.waitFor(async () => {
      const headers = { [`x-left-${n}`]: "99999999" };
      const { body } = await call({ ...target, path: "http://catalog.shop/", headers });
      return /"x-left-\d+":"3[56]\d{5}"/.exec(body)?.[0].includes(`x-left-${n}"`);
    }, `swap ${n} to be live`);
  }

  /** Opens a gRPC call whose request streams on each way, to an application that sees it and never answers; their ends. */
  async function openStreams(): Promise<readonly Promise<Readonly<Http2Reply>>[]> {
    const seen = async () => JSON.parse((await call({ ...target, path: "http://stock.shop/seen" })).body).length;
    const before = await seen();
    const headers = grpcHeaders({ ":path": "/never", ":authority": "stock.shop", "grpc-timeout": "5S" });
    const ends = ways.map(async (way) => {
      const { stream, end } = openHttp2(await way(), headers);
      stream.write(emptyMessage);
      return await end;
    });
    await mesh.waitFor(async () => (await seen()) === before + ways.length, "stock to see the streams");
    return ends;
  }

  /** Each has ended with DEADLINE_EXCEEDED. */
  async function expectExceeded(ends: readonly Promise<Readonly<Http2Reply>>[]): Promise<void> {
    for (const { headers } of await Promise.all(ends)) {
      expect(headers).toMatchObject({ ":status": 200, "grpc-status": "4", "x-deadline": "exceeded" });
    }
  }

  const outcome = ({ replies }: LoadResult) =>
    tally(replies, ({ status, headers }) => `${status} ${headers["x-deadline"]}`);

  test("through swaps of module and configuration under load no request is lost, and none outlives its deadline", async () => {
    await live(0);
    const work = (path: string, left: string) =>
      startLoad({ ...target, path: `http://catalog.shop${path}`, headers: { "grpc-timeout": left }, connections: 4 });
    const [quick, slow] = [work("/", "30S"), work("/slow/600000", "300m")];
    const streams: Promise<Readonly<Http2Reply>>[] = [];
    for (let n = 1; n <= 8; n++) {
      const ended = slow.count();
      streams.push(...(await openStreams()));
      await mesh.apply("deadline.yaml", plugins(n));
      await live(n);
      await until(() => slow.count() > ended + 4, "requests that were open at the swap to be ended");
    }
    await expectExceeded(streams);
    const [answered, exceeded] = await Promise.all([quick.stop(), slow.stop()]);
    expect([answered.broken, exceeded.broken]).toEqual([[], []]);
    expect(outcome(answered)).toEqual({ "200 undefined": answered.replies.length });
    expect(outcome(exceeded)).toEqual({ "504 exceeded": exceeded.replies.length });
  });

  test("a VM that traps is made anew, and the requests to come have their deadlines", async () => {
    const trap = await storedFile("deadline-trap", await trapping(module));
    await mesh.apply("deadline.yaml", plugins(9, pathToFileURL(trap).href));
    await live(9);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 }); // one connection, one worker, one VM
    const ask = (path: string, headers: Readonly<Record<string, string>>) =>
      call({ ...target, agent, path: `http://catalog.shop${path}`, headers });
    const exceeded = { status: 504, headers: { "x-deadline": "exceeded" } };
    expect(await ask("/slow/600000", { "grpc-timeout": "300m" })).toMatchObject(exceeded);
    const before = await openStreams();
    expect((await ask("/", trapHeaders)).status).toBe(503);
    const again = await mesh.waitFor(async () => {
      const reply = await ask("/slow/600000", { "grpc-timeout": "300m" });
      return reply.status !== 503 && reply;
    }, "the VM to be there again");
    expect(again).toMatchObject(exceeded);
    const [throughTrapped, ...others] = before; // on its worker the answer of stock's sidecar meets a filter that is gone
    expect((await throughTrapped)?.headers["grpc-status"]).toMatch(/^(4|14)$/);
    await expectExceeded([...others, ...(await openStreams())]);
    expect(await mesh.stat("webapp", "wasm.shop.deadline.vm_reload_success")).toBeGreaterThan(0);
    agent.destroy();
  });

  test("a VirtualService's annotation is the minimum of its routes", async () => {
    const status = async () =>
      (await call({ ...target, path: "http://catalog.shop/", headers: { "grpc-timeout": "30S" } })).status;
    expect(await status()).toBe(200);
    const annotated = 'shop, annotations: {sluice.dev/deadline-minimum: "31s"}}';
    await mesh.apply("routes.yaml", virtualService("catalog", "timeout: 60s").replace("shop}", annotated));
    await mesh.waitFor(async () => (await status()) === 504, "the minimum to be live");
    await mesh.remove("routes.yaml");
    await mesh.waitFor(async () => (await status()) === 200, "the minimum to be gone");
  });
});
