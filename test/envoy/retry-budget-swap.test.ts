import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { filterModule } from "../support/filter-module.ts";
import { type Call, call, type Reply, startLoad, tally } from "../support/http.ts";
import { sha256, storedFile } from "../support/kept.ts";
import { startMesh, type TestMesh } from "../support/mesh.ts";
import { trapHeaders, trapping } from "../support/trapping.ts";
import { inARow } from "../support/wait.ts";
import { envoyOfWorkers, type WorkersEnvoy } from "../support/workers.ts";
import { alias, gatewayTo, namespaceOf, virtualService, wasmPlugin, workload } from "../support/yaml.ts";
import { countOf, retries } from "./retry-budget-fixture.ts";

// One budget through changes of the module's bytes under load, which the controller delivers, and through a VM that Envoy makes
// anew after a trap. What the metrics say is compared with what catalog has seen.

const minRetries = 30;

/** Status and text; of JSON, no more than the status. */
const outcome = ({ status, body }: Reply) => `${status} ${body.replace(/-.*/, "").replace(/^\{.*/, "")}`;

describe.each([1, 4])("on %i workers", (workers) => {
  let envoy: WorkersEnvoy;
  let mesh: TestMesh;
  let webapp: Call;
  let edge: Call;
  let modules: readonly { readonly url: string; readonly digest: string }[];

  beforeAll(async () => {
    const module = await filterModule("retry-budget");
    const other = await trapping(module);
    const file = await storedFile("retry-budget-trapping", other);
    modules = [
      { url: "builtin://retry-budget", digest: sha256(module) },
      { url: pathToFileURL(file).href, digest: sha256(other) },
    ];
    envoy = await envoyOfWorkers(workers);
    const files = {
      "catalog.yaml": workload("catalog"),
      "quiet.yaml": alias("quiet", "catalog"),
      "webapp.yaml": workload("webapp"),
      "edge.yaml": gatewayTo("catalog").replace(/^ {2}- route.*$/m, `$&\n    ${retries}`),
      ...Object.fromEntries(
        ["catalog", "quiet"].map((name) => [`${name}-retries.yaml`, virtualService(name, retries)]),
      ),
    };
    mesh = await startMesh(files, envoy.env);
    webapp = await mesh.httpProxy("webapp");
    edge = await mesh.gateway();
  });
  afterAll(async () => {
    await mesh?.stop();
    await envoy?.remove();
  });

  /** Attaches one of the modules to a workload, whose configuration stays, and waits until its Envoy runs it. */
  async function attach(which: number, workload = "webapp"): Promise<void> {
    const { url, digest } = modules[which] ?? expect.fail("there is no such module");
    const config = {
      window: "10m",
      ...(workload === "webapp" ? { percent: 20, minRetries } : { percent: 0, minRetries: 1 }),
    };
    const plugin = { name: workload, url, config, app: workload };
    await mesh.apply("budget.yaml", wasmPlugin(plugin));
    await mesh.waitFor(async () => {
      const status = await mesh.plugin(`${namespaceOf(plugin)}/${workload}`);
      return status?.live.some((live) => live.digest === digest && live.proxies.length === status.matched);
    }, `${url} to be live at ${workload}`);
  }

  /** Traps a VM, and waits until that of no worker denies. */
  async function trap(target: Call): Promise<void> {
    expect((await call({ ...target, headers: trapHeaders })).status).toBe(503);
    // Of four workers, the one that trapped is missed once in 100,000 times.
    const isServed = inARow(40, async () => (await call(target)).status === 200);
    await mesh.waitFor(isServed, "all workers to serve again");
  }

  const get = (service: string, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Reply> =>
    call({ ...webapp, path: `http://${service}.shop${path}`, headers });

  const askedFor = (path: string): Promise<number> => countOf(mesh, "catalog", path);

  const stat = (service: string, name: string): Promise<number> =>
    mesh.stat("webapp", `wasmcustom.scope=.=outbound|80||${service}.shop.svc.cluster.local;.;retry_budget_${name}`);

  test("no request is lost at swaps, sums are right, and what was spent is spent", async () => {
    await attach(0);
    for (let i = 0; i < minRetries; i++) await get("quiet", "/status/503/quiet");
    expect(await askedFor("/status/503/quiet")).toBe(2 * minRetries);
    const [fine, failing] = ["/fine", "/status/503/failing"].map((path) =>
      startLoad({ ...webapp, path: `http://catalog.shop${path}`, connections: 3 }),
    ) as [ReturnType<typeof startLoad>, ReturnType<typeof startLoad>];
    for (let swap = 1; swap <= 8; swap++) {
      const seen = failing.count();
      await attach(swap % 2);
      await mesh.waitFor(() => failing.count() >= seen + 20, "calls that fail after the swap");
      await get("quiet", "/status/503/quiet"); // 20 % of its calls are still less than it has had
      expect(await askedFor("/status/503/quiet")).toBe(2 * minRetries + swap);
    }
    const [answered, { replies, broken }] = await Promise.all([fine.stop(), failing.stop()]);
    const failures = [...replies];
    expect([answered.broken, broken]).toEqual([[], []]);
    expect(tally(answered.replies, outcome)).toEqual({ "200 ": answered.replies.length });
    expect(tally(failures, outcome)).toEqual({ "503 status 503 of catalog": failures.length });

    await mesh.waitFor(async () => {
      const more = await Promise.all(Array.from({ length: 10 }, () => get("catalog", "/status/503/failing")));
      failures.push(...more);
      return more.every(({ headers }) => headers["x-retry-budget"] === "exhausted");
    }, "the budget to be full");
    const calls = answered.replies.length + failures.length;
    const retried = (await askedFor("/status/503/failing")) - failures.length;
    const denied = tally(failures, ({ headers }) => headers["x-retry-budget"])["exhausted"];
    expect(await stat("catalog", "calls_total")).toBe(calls);
    expect(await stat("catalog", "retries_total")).toBe(retried);
    expect(await stat("catalog", "denied_total")).toBe(denied);
    expect(retried).toBe(Math.max(minRetries, Math.floor(calls / 5)));
  });

  test("a VM that is made anew after a trap goes on with what was counted", async () => {
    await attach(1);
    const before = await stat("catalog", "calls_total");
    await trap({ ...webapp, path: "http://catalog.shop/after" });
    expect(await stat("catalog", "calls_total")).toBe(before + (await askedFor("/after")));
    for (let i = 0; i < 2 * workers; i++) {
      expect((await get("quiet", "/status/503/after")).headers["x-retry-budget"]).toBe("exhausted");
    }
    expect(await askedFor("/status/503/after")).toBe(2 * workers);
  });

  test.each(["istio-ingressgateway", "catalog"])(
    "%s: what was spent is spent after swaps and after a trap",
    async (workload) => {
      await attach(0, workload);
      const path = `/status/503/${workload}`;
      const attempts = async (): Promise<number> => {
        const before = await askedFor(path);
        expect((await call({ ...edge, path })).status).toBe(503);
        return (await askedFor(path)) - before;
      };
      expect([await attempts(), await attempts()]).toEqual([2, 1]);
      const load = startLoad({ ...edge, path: "/fine", connections: 3 });
      for (const module of [1, 0, 1]) {
        const seen = load.count();
        await attach(module, workload);
        expect(await attempts()).toBe(1);
        await mesh.waitFor(() => load.count() >= seen + 20, "calls after the swap");
      }
      const { replies, broken } = await load.stop();
      expect([broken, tally(replies, outcome)]).toEqual([[], { "200 ": replies.length }]);
      const { ip } = await mesh.pod("catalog");
      await trap({ ...(workload === "catalog" ? { host: ip, port: 8080 } : edge), path: "/after" }); // no retries of the edge
      for (let i = 0; i < 2 * workers; i++) expect(await attempts()).toBe(1);
    },
  );
});
