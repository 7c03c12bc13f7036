import { Agent } from "node:http";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { withCustomSection } from "../../sdk/build/custom-sections.ts";
import { filterModule } from "../support/filter-module.ts";
import { call, type LoadResult, startLoad, type Target, tally } from "../support/http.ts";
import { storedFile } from "../support/kept.ts";
import { startMesh, type TestMesh } from "../support/mesh.ts";
import { trapHeaders, trapping } from "../support/trapping.ts";
import { until } from "../support/wait.ts";
import { envoyOfWorkers, type WorkersEnvoy } from "../support/workers.ts";
import { virtualService, wasmPlugin, workload } from "../support/yaml.ts";

// Deadlines while the filter is swapped under load, in a mesh of the control plane, and while its VM is made anew.

vi.setConfig({ hookTimeout: 120_000 });

describe.each([1, 4])("in a mesh, on %i workers", (count) => {
  let workers: WorkersEnvoy;
  let mesh: TestMesh;
  let target: Target;
  let module: Uint8Array;
  let modules: readonly string[];

  beforeAll(async () => {
    module = await filterModule("deadline");
    const other = await storedFile("deadline-other", withCustomSection(module, "test.other", new Uint8Array(1)));
    modules = ["builtin://deadline", pathToFileURL(other).href];
    workers = await envoyOfWorkers(count);
    const services = { "catalog.yaml": workload("catalog"), "webapp.yaml": workload("webapp") };
    mesh = await startMesh({ ...services, "deadline.yaml": plugin(0) }, workers.env);
    target = await mesh.httpProxy("webapp");
  });
  afterAll(async () => {
    await mesh?.stop();
    await workers?.remove();
  });

  /** Module and settings of the n-th swap, which the header shows: both change by turns. */
  const plugin = (n: number, url = modules[Math.floor(n / 2) % 2] ?? ""): string =>
    wasmPlugin({
      name: "deadline",
      url,
      config: { header: `x-left-${n}`, tick: n % 2 ? "20ms" : "50ms" },
    });

  /** Waits until catalog's sidecar, which is told an hour by webapp's, tells an hour in this header, too. */
  const live = (n: number): Promise<unknown> =>
    mesh.waitFor(async () => {
      const headers = { [`x-left-${n}`]: "99999999" };
      const { body } = await call({ ...target, path: "http://catalog.shop/", headers });
      return /"x-left-\d+":"3[56]\d{5}"/.exec(body)?.[0].includes(`x-left-${n}"`);
    }, `swap ${n} to be live`);

  const outcome = ({ replies }: LoadResult) =>
    tally(replies, ({ status, headers }) => `${status} ${headers["x-deadline"]}`);

  test("through swaps of module and configuration under load no request is lost, and none outlives its deadline", async () => {
    await live(0);
    const work = (path: string, left: string) =>
      startLoad({ ...target, path: `http://catalog.shop${path}`, headers: { "grpc-timeout": left }, connections: 4 });
    const [quick, slow] = [work("/", "30S"), work("/slow/600000", "300m")];
    for (let n = 1; n <= 8; n++) {
      const ended = slow.count();
      await mesh.apply("deadline.yaml", plugin(n));
      await live(n);
      await until(() => slow.count() > ended + 4, "requests that were open at the swap to be ended");
    }
    const [answered, exceeded] = await Promise.all([quick.stop(), slow.stop()]);
    expect([answered.broken, exceeded.broken]).toEqual([[], []]);
    expect(outcome(answered)).toEqual({ "200 undefined": answered.replies.length });
    expect(outcome(exceeded)).toEqual({ "504 exceeded": exceeded.replies.length });
  });

  test("a VM that traps is made anew, and the requests to come have their deadlines", async () => {
    const trap = await storedFile("deadline-trap", await trapping(module));
    await mesh.apply("deadline.yaml", plugin(9, pathToFileURL(trap).href));
    await live(9);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 }); // one connection, one worker, one VM
    const ask = (path: string, headers: Readonly<Record<string, string>>) =>
      call({ ...target, agent, path: `http://catalog.shop${path}`, headers });
    const exceeded = { status: 504, headers: { "x-deadline": "exceeded" } };
    expect(await ask("/slow/600000", { "grpc-timeout": "300m" })).toMatchObject(exceeded);
    expect((await ask("/", trapHeaders)).status).toBe(503);
    const again = await mesh.waitFor(async () => {
      const reply = await ask("/slow/600000", { "grpc-timeout": "300m" });
      return reply.status !== 503 && reply;
    }, "the VM to be there again");
    expect(again).toMatchObject(exceeded);
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
