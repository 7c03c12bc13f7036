import { mkdir, mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { compile } from "../../sdk/build/compile.ts";
import { withShortNames } from "../../sdk/build/custom-sections.ts";
import { collectCoverage } from "../../sdk/host/coverage.ts";
import { Host } from "../../sdk/host/index.ts";
import { SourceMap } from "../../sdk/module/source-map.ts";
import { mapTrace } from "../../sdk/module/trace.ts";
import { freePort, startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { filterBootstrap } from "../support/filter-envoy.ts";
import { call } from "../support/http.ts";

// What is left of a filter that traps: Envoy's log names message, place and stack, and the source map the lines of the stack.

vi.setConfig({ hookTimeout: 120_000 }); // the compiler takes seconds where others compute

let module: Uint8Array;
let sourceMap: string;
let envoy: TestEnvoy;
let port: number;

beforeAll(async () => {
  const compiled = await compile(join(import.meta.dirname, "..", ".."), "sdk/assembly/testing/guest.ts");
  if (!compiled.ok) throw new Error(compiled.messages);
  module = withShortNames(compiled.bytes);
  sourceMap = compiled.sourceMap;
  port = await freePort();
  const plugins = [{ name: "guest", module }];
  const chain = { direction: "INBOUND", port, upstreamPorts: [await freePort()], plugins } as const;
  envoy = await startEnvoy(filterBootstrap([chain]), { args: ["--component-log-level", "wasm:info"] });
  await envoy.live();
});

afterAll(() => envoy.stop());

test("a trap is logged with message, place and stack, which the source map leads back to the source", async () => {
  expect((await call({ host: "127.0.0.1", port, path: "/trap" })).status).toBe(503);
  const log = await vi.waitFor(() => {
    expect(envoy.output()).toContain("in-VM backtrace");
    return envoy.output();
  });
  expect(log).toMatch(/abort: a trap: é.* at sdk\/assembly\/testing\/guest\.ts:16:\d+/);
  expect(log).toMatch(/ 0: +0x[0-9a-f]+ - proxy_on_request_headers\n/);
  const map = SourceMap.parse(sourceMap) ?? expect.fail("there is no source map");
  expect(mapTrace(log, map)).toMatch(
    / 0: +0x[0-9a-f]+ - proxy_on_request_headers \(sdk\/assembly\/testing\/guest\.ts:16:\d+\)\n/,
  );
});

test("the host logs the same of it", async () => {
  const host = await Host.load(module);
  host.fetch({ path: "/trap" });
  const backtrace = (log: string) =>
    log.match(/Function: proxy_on_request_headers failed.*\n.*backtrace:(\n +\d+: .*)+/)?.[0];
  const text = host.logs.map(({ text }) => text).join("\n");
  expect(backtrace(text)).toBe(backtrace(envoy.output()));
});

/** What the host logs last of a trap in guest.wasm, beside which is coverage/guest.wasm; `mapped` is the one that has a map. */
async function trapIn(mapped: string): Promise<string | undefined> {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-trap-"));
  await mkdir(join(folder.path, "coverage"));
  for (const name of ["guest.wasm", "coverage/guest.wasm"]) await writeFile(join(folder.path, name), module);
  await writeFile(join(folder.path, `${mapped}.map`), sourceMap);
  const host = await Host.load(join(folder.path, "guest.wasm"));
  await folder.remove();
  host.fetch({ path: "/trap" });
  return host.logs.at(-1)?.text;
}

const line = / - proxy_on_request_headers \(sdk\/assembly\/testing\/guest\.ts:16:\d+\)/;

test("the host adds the lines where the map lies beside the module that it takes", async () => {
  expect(await trapIn("guest.wasm")).toMatch(line);
  expect(await trapIn("coverage/guest.wasm")).not.toMatch(line);
  collectCoverage(() => {});
  expect(await trapIn("coverage/guest.wasm")).toMatch(line);
  expect(await trapIn("guest.wasm")).not.toMatch(line);
});
