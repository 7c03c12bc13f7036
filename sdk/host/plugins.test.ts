// Several plugins in one host: in one chain, in one VM or in several, beside access loggers.
import { beforeAll, expect, test } from "vitest";
import { Host, type PluginInit } from "./index.ts";
import { compilePuppet } from "./testdata/compile.ts";

let module: Uint8Array;
beforeAll(async () => {
  module = await compilePuppet();
}, 60_000);

/** Plugins of the puppet that differ in their scripts. */
async function load(...plugins: readonly Omit<PluginInit, "module">[]): Promise<Host> {
  return await Host.load(plugins.map((plugin) => ({ ...plugin, module })));
}

/** What the worker logs meanwhile. */
function said(host: Host, action: () => void): string[] {
  const from = host.logs.length;
  action();
  return host.logs.slice(from).map(({ rootId, text }) => `${rootId}: ${text}`);
}

test("a request passes filters in their order, a response in reverse, and the access logger comes before their end", async () => {
  const host = await load(
    { rootId: "a", config: "R: replace 0 x-a 1\nA: get 2 x-b\nL: here\nD: here" },
    { rootId: "log", config: "L: get 0 x-a", accessLogger: true },
    { rootId: "b", config: "R: get 0 x-a\nA: replace 2 x-b 2\nL: here\nD: here", upstream: true },
  );
  const lines = said(host, () => host.fetch());
  expect(lines).toEqual([
    "a: R replace 0 x-a 1 -> 0",
    "b: R get 0 x-a -> 0 1",
    "b: A replace 2 x-b 2 -> 0",
    "a: A get 2 x-b -> 0 2",
    "a: L here -> ",
    "b: L here -> ",
    "log: L get 0 x-a -> 0 1",
    "a: D here -> ",
    "b: D here -> ",
  ]);
});

test("a local reply of the first is all that the caller gets, and the second sees nothing", async () => {
  const host = await load({ config: "R: local 429 mine no" }, { rootId: "b", config: "R: here\nA: here" });
  expect(said(host, () => expect(host.fetch()).toMatchObject({ status: 429, details: "mine" }))).toEqual([
    ": R local 429 mine no -> 0",
  ]);
});

test("a filter stands in the chain of the requests that it is for, by their headers when they come to it", async () => {
  const host = await load(
    { rootId: "a", config: "R: replace 0 x-new 1", when: (headers) => headers.has("x-marked") },
    { rootId: "b", config: "R: here\nA: here\nL: here", when: (headers) => headers.get("x-new") === "1" },
  );
  expect(said(host, () => host.fetch())).toEqual([]);
  expect(said(host, () => host.fetch({ headers: { "x-marked": "" } }))).toEqual([
    "a: R replace 0 x-new 1 -> 0",
    "b: R here -> ",
    "b: A here -> ",
    "b: L here -> ",
  ]);
});

test("upstream plugins see each attempt, in their order", async () => {
  const host = await load(
    { rootId: "up", config: "R: here\nA: here", upstream: "only" },
    { config: "uR: here\nuA: here", upstream: true },
  );
  const lines = said(host, () =>
    host.fetch({}, ({ number }) => ({ status: number === 1 ? 503 : 200 }), { route: { retryOn: "5xx" } }),
  );
  expect(lines).toEqual([...attempt, ...attempt]);
});
const attempt = ["up: R here -> ", "upstream: uR here -> ", "upstream: uA here -> ", "up: A here -> "];

test("a plugin of both chains is told where it stands by its root_id", async () => {
  const config = "R: here\nuR: here";
  const host = await load({ config, upstream: true });
  expect(said(host, () => host.fetch())).toEqual([": R here -> ", "upstream: uR here -> "]);
  const named = await load({ config, upstream: true, rootId: "named" });
  expect(said(named, () => named.fetch())).toEqual(["named: R here -> ", "upstream: uR here -> "]);
});

test("what is measured is the memory of the host's own plugins, not that of its neighbours", async () => {
  const host = await Host.load(module);
  const { memoryBytes } = host.measure(() => host.fetch());
  const neighbour = await Host.load(module, { vmId: "other", config: "-".repeat(1_000_000), beside: host });
  expect(host.measure(() => host.fetch())).toMatchObject({ memoryBytes });
  expect(neighbour.measure(() => neighbour.fetch()).memoryBytes).toBeGreaterThan(1_000_000);
});

test("plugins of one VM share its end and its shared data; those of another vm_id nothing", async () => {
  const host = await load(
    { rootId: "a", config: "R: write k v 0; trapif 0 x-trap", failurePolicy: "FAIL_OPEN" },
    { rootId: "b", config: "R: read k", failurePolicy: "FAIL_OPEN" },
    { rootId: "c", config: "R: read k", vmId: "other" },
  );
  expect(said(host, () => host.fetch())).toEqual([
    "a: R write k v 0 -> 0",
    "a: R trapif 0 x-trap -> ",
    "b: R read k -> 0 v cas 1",
    "c: R read k -> 1",
  ]);
  expect(host.fetch({ headers: { "x-trap": "1" } }).status).toBe(503);
  expect(said(host, () => host.fetch())).toEqual(["c: R read k -> 1"]);
});

test("a list is replaced by another: what is in both goes on", async () => {
  const [kept, gone] = [
    { rootId: "kept", config: "C: here\nR: here\nD: here", module },
    { rootId: "gone", config: "D: here", vmId: "other", module },
  ];
  const host = await Host.load([gone, kept]);
  const from = host.logs.length;
  await host.replace([kept, { config: "R: here", module }]);
  expect(host.logs.slice(from).map(({ thread, text, rootId }) => `${thread} ${rootId}: ${text}`)).toEqual([
    "0 gone: D here -> ",
    "main gone: D here -> ",
  ]);
  expect(said(host, () => host.fetch())).toEqual(["kept: R here -> ", ": R here -> ", "kept: D here -> "]);
});
