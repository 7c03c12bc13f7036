// The table of attributes against a real Envoy: which exist in which callback, and of which size.
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type AttributeType, attributes } from "../../sdk/abi/attributes.ts";
import { withCustomSection } from "../../sdk/build/custom-sections.ts";
import { Host, NotEmulated } from "../../sdk/host/index.ts";
import { manifestSection } from "../../sdk/module/manifest.ts";
import { freePort, startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { filterBootstrap } from "../support/filter-envoy.ts";
import { sourceModule } from "../support/filter-module.ts";
import { call } from "../support/http.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

vi.setConfig({ hookTimeout: 120_000 }); // the compiler takes seconds where others compute

let module: Uint8Array;
let envoy: TestEnvoy;
let peer: Upstream;
let port: number;
/** Path -> phase -> size in bytes. */
const seen = new Map<string, Map<string, number>>();

beforeAll(async () => {
  const attach = ["downstream", "upstream"];
  const manifest = { name: "attributes", version: "1.0.0", sdk: "0.1.0", abi: "0.2.1", attach, metrics: [] };
  const bare = await sourceModule("sdk/assembly/testing/attributes.ts");
  module = withCustomSection(bare, manifestSection, Buffer.from(JSON.stringify(manifest)));
  peer = await startUpstream((_, response) => response.end("half"));
  port = await freePort();
  const plugin = { name: "attributes", module, config: { paths: attributes.map(({ path }) => path) } };
  envoy = await startEnvoy(
    filterBootstrap([{ direction: "INBOUND", port, upstreamPorts: [peer.port], plugins: [plugin] }]),
    {
      args: ["--component-log-level", "wasm:info"],
    },
  );
  await envoy.live();
  const headers = { "user-agent": "test", referer: "http://a.test/" };
  await call({ host: "127.0.0.1", port, path: "/items?page=2", headers });
  await envoy.waitFor(() => /wasm log [^:]*attributes: over/.test(envoy.output()), "the request to be over");
  for (const [, phase = "", path = "", size] of envoy.output().matchAll(/wasm log [^:]*: (\w) ([\w.]+) (\d+)$/gm)) {
    seen.set(path, (seen.get(path) ?? new Map()).set(phase, Number(size)));
  }
});

afterAll(async () => {
  await envoy.stop();
  await peer.stop();
});

const sizes: Partial<Record<AttributeType, number>> = { int: 8, uint: 8, timestamp: 8, duration: 8, bool: 1 };

test.each(attributes.filter(({ tls }) => !tls))("$path is a $type in $phases", ({ path, type, phases }) => {
  const found = [...(seen.get(path) ?? [])];
  expect(new Set(found.map(([phase]) => phase))).toEqual(new Set(phases));
  const size = sizes[type];
  if (size !== undefined) expect(new Set(found.map(([, one]) => one))).toEqual(new Set(phases === "" ? [] : [size]));
});

test.each(attributes.filter(({ tls }) => !tls))(
  "$path exists on the host where it does on Envoy",
  async ({ path, phases }) => {
    const host = await Host.load(module, { config: { paths: [path] }, upstream: true });
    const headers = { "user-agent": "test", referer: "http://a.test/" };
    try {
      host.fetch({ path: "/items?page=2", headers }, () => ({ status: 200, body: "half" }));
    } catch (error) {
      if (error instanceof NotEmulated) return;
      throw error;
    }
    const found = host.logs.flatMap(({ text }) => /^(\w) ([\w.]+) (\d+)$/.exec(text)?.slice(1, 2) ?? []);
    expect(new Set(found)).toEqual(new Set(phases));
  },
);

test("getters give them their type, and what there is none of is null, 0 or false", () => {
  expect(envoy.output()).toContain(`typed /items?page=2 false ${port} 0`);
});
