import { cpSync, mkdtempDisposableSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { buildFilter } from "../../sdk/build/build-filter.ts";
import { findFilters } from "../../sdk/build/filters.ts";
import { freePort, startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { filterBootstrap } from "../support/filter-envoy.ts";
import { call, type Reply } from "../support/http.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

// Budgets outlive a VM: the filter, made so that it traps at a path, is reloaded by Envoy and goes on with what was counted.

vi.setConfig({ hookTimeout: 120_000 }); // the compiler takes seconds where others compute

const root = join(import.meta.dirname, "..", "..");

/** The filter as it is, but for a trap. */
async function trappingModule(): Promise<Uint8Array> {
  using copy = mkdtempDisposableSync(join(tmpdir(), "sluice-trap-"));
  for (const name of ["sdk", "node_modules", "asconfig.json"]) symlinkSync(join(root, name), join(copy.path, name));
  const folder = join(copy.path, "filters", "retry-budget");
  cpSync(join(root, "filters", "retry-budget"), folder, { recursive: true });
  const file = join(folder, "assembly", "request.ts");
  const source = readFileSync(file, "utf8");
  const trapping = source.replace(
    "  onResponseHeaders(",
    `  onRequestHeaders(endOfStream: bool): HeadersAction {
    if (this.requestHeaders.get(":path") == "/trap") unreachable();
    return HeadersAction.Continue;
  }

$&`,
  );
  if (trapping === source) throw new Error(`${file} has no place for a trap`);
  writeFileSync(file, trapping);
  const [filter] = findFilters(copy.path);
  if (filter === undefined) throw new Error("there is no filter");
  const build = await buildFilter(copy.path, filter);
  if (!build.ok) throw new Error(build.messages);
  return build.bytes;
}

let upstream: Upstream;
let envoy: TestEnvoy;
let port: number;

beforeAll(async () => {
  const module = await trappingModule();
  upstream = await startUpstream((_, response) => void response.writeHead(503, { "x-shop": "closed" }).end());
  port = await freePort();
  const chain = {
    direction: "OUTBOUND",
    port,
    upstreamPorts: [upstream.port],
    plugins: [{ name: "retry-budget", module, config: { window: "10m", percent: 0, minRetries: 2 } }],
    route: { retry_policy: { retry_on: "5xx", num_retries: 3, retry_back_off: { base_interval: "0.001s" } } },
    metadata: { retryOn: "5xx", attempts: 3, timeoutMs: 0 },
  } as const;
  envoy = await startEnvoy(filterBootstrap([chain]));
  await envoy.live();
});
afterAll(async () => {
  await envoy?.stop();
  await upstream?.stop();
});

const get = (path: string): Promise<Reply> => call({ host: "127.0.0.1", port, path });
const stat = (name: string) => envoy.stat(`wasmcustom.scope=.=outbound|${port};.;retry_budget_${name}_total`);

test("a VM that is loaded again after a trap goes on with the budget and the metrics that there were", async () => {
  await get("/items");
  expect(upstream.seen).toHaveLength(3); // a call, and the two retries that there are
  expect((await get("/trap")).headers["x-shop"]).toBeUndefined();
  await envoy.waitFor(async () => (await get("/items")).headers["x-shop"] === "closed", "the VM to be loaded again");
  await get("/items");
  const ids = upstream.seen.slice(3).map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length); // no attempt of them was a second one
  expect([await stat("calls"), await stat("retries")]).toEqual([1 + ids.length, 2]);
});
