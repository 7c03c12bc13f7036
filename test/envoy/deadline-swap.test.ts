import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { withCustomSection } from "../../sdk/build/custom-sections.ts";
import { digestOf } from "../../sdk/build/made-from.ts";
import { freePort, startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { filterBootstrap } from "../support/filter-envoy.ts";
import { filterModule } from "../support/filter-module.ts";
import { call, type LoadResult, startLoad, type Target, tally } from "../support/http.ts";
import { kept, keptFile } from "../support/kept.ts";
import { startMesh, type TestMesh } from "../support/mesh.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { until } from "../support/wait.ts";
import { virtualService, wasmPlugin, workload } from "../support/yaml.ts";

// Deadlines while the filter is swapped under load, in a mesh of the control plane, and while its VM is made anew.

vi.setConfig({ hookTimeout: 120_000 });

describe("in a mesh, with swaps of module and configuration under load", () => {
  let mesh: TestMesh;
  let target: Target;
  let modules: readonly string[];

  beforeAll(async () => {
    const module = await filterModule("deadline");
    const other = await keptFile("deadline-other", Buffer.from(module).toString("base64"), async () =>
      withCustomSection(module, "test.other", new Uint8Array(1)),
    );
    modules = ["builtin://deadline", pathToFileURL(other).href];
    mesh = await startMesh({
      "catalog.yaml": workload("catalog"),
      "webapp.yaml": workload("webapp"),
      "deadline.yaml": plugin(0),
    });
    target = await mesh.httpProxy("webapp");
  });
  afterAll(() => mesh?.stop());

  /** Module and settings of the n-th swap, which the header shows: both change by turns. */
  const plugin = (n: number): string =>
    wasmPlugin({
      name: "deadline",
      url: modules[Math.floor(n / 2) % 2] ?? "",
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

  test("no request is lost, and none outlives its deadline", async () => {
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

describe("a VM that traps", () => {
  let envoy: TestEnvoy;
  let upstream: Upstream;
  afterEach(async () => {
    await envoy?.stop();
    await upstream?.stop();
  });

  test("is made anew, and the requests to come have their deadlines", async () => {
    upstream = await startUpstream(() => {});
    const port = await freePort();
    const plugins = [{ name: "deadline", module: await trappingModule() }];
    const chain = { direction: "INBOUND", port, upstreamPorts: [upstream.port], plugins } as const;
    envoy = await startEnvoy(filterBootstrap([chain]));
    await envoy.live();
    const send = (headers: Readonly<Record<string, string>>) => call({ host: "127.0.0.1", port, headers });
    expect((await send({ "x-request-timeout-ms": "200" })).headers["x-deadline"]).toBe("exceeded");
    expect((await send({ "x-trap": "1" })).status).toBe(503);
    const reply = await until(async () => {
      const again = await send({ "x-request-timeout-ms": "200" });
      return again.status === 504 && again;
    }, "the VM to be there again");
    expect(reply.headers["x-deadline"]).toBe("exceeded");
    await until(() => upstream.seen.every(({ isBroken }) => isBroken), "the upstream to see the resets");
  });
});

/** The filter, but for a request with `x-trap`. */
async function trappingModule(): Promise<Uint8Array> {
  const root = join(import.meta.dirname, "..", "..");
  const folder = "build/test/deadline-trap";
  const filter = { name: "deadline-trap", folder, source: `${folder}/assembly/index.ts` };
  await mkdir(join(root, folder), { recursive: true });
  await cp(join(root, "filters", "deadline", "assembly"), join(root, folder, "assembly"), { recursive: true });
  await writeFile(
    join(root, filter.source),
    `import { HeadersAction, HttpContext, registerPlugin } from "@sluice/sdk/assembly";
    import { DeadlinePlugin } from "./plugin";
    import { Request } from "./request";

    class TrappingRequest extends Request {
      onRequestHeaders(endOfStream: bool): HeadersAction {
        if (this.requestHeaders.has("x-trap")) unreachable();
        return super.onRequestHeaders(endOfStream);
      }
    }

    class TrappingPlugin extends DeadlinePlugin {
      createHttpContext(): HttpContext {
        return new TrappingRequest(this);
      }
    }

    registerPlugin(() => new TrappingPlugin());`,
  );
  return await kept("deadline-trap", digestOf(root, filter), async () => {
    const { buildFilter } = await import("../../sdk/build/build-filter.ts");
    const built = await buildFilter(root, filter);
    if (!built.ok) throw new Error(built.messages);
    return built.bytes;
  });
}
