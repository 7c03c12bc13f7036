// The table of attributes against a real Envoy: which exist in which callback, and of which size.
import type { ServerResponse } from "node:http";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type PartyOptions, party } from "../../controller/ca/test-support/pki.ts";
import { KeyUsageFlags } from "../../controller/ca/x509.ts";
import { type AttributeType, attributes } from "../../sdk/abi/attributes.ts";
import { withCustomSection } from "../../sdk/build/custom-sections.ts";
import { Host, NotEmulated, type TlsInit } from "../../sdk/host/index.ts";
import { manifestSection } from "../../sdk/module/manifest.ts";
import { freePort, startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { type Chain, filterBootstrap, type Tls } from "../support/filter-envoy.ts";
import { sourceModule } from "../support/filter-module.ts";
import { call } from "../support/http.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

vi.setConfig({ hookTimeout: 120_000 }); // the compiler takes seconds where others compute

/** Path -> phase -> size in bytes. */
type Seen = ReadonlyMap<string, ReadonlyMap<string, number>>;

let module: Uint8Array;
let envoy: TestEnvoy;
let peers: readonly Upstream[];
let port: number;
let seen: { readonly plain: Seen; readonly tls: Seen };

beforeAll(async () => {
  const attach = ["downstream", "upstream"];
  const manifest = { name: "attributes", version: "1.0.0", sdk: "0.1.0", abi: "0.2.1", attach, metrics: [] };
  const bare = await sourceModule("sdk/assembly/testing/attributes.ts");
  module = withCustomSection(bare, manifestSection, Buffer.from(JSON.stringify(manifest)));
  const pki = await certificates();
  const half = (_: unknown, response: ServerResponse) => response.end("half");
  const [plain, secure] = await Promise.all([
    startUpstream(half),
    startUpstream(half, { ...pki.upstream, requestCert: true, rejectUnauthorized: true }),
  ]);
  peers = [plain, secure];
  port = await freePort();
  const securePort = await freePort();
  const chain = (name: string, from: number, to: Upstream, tls?: Tls): Chain => ({
    ...{ direction: "INBOUND", port: from, upstreamPorts: [to.port] },
    plugins: [{ name, module, config: { paths: attributes.map(({ path }) => path) } }],
    ...(tls ? { tls } : {}),
  });
  const chains = [chain("plain", port, plain), chain("tls", securePort, secure, pki.envoy)];
  envoy = await startEnvoy(filterBootstrap(chains), { args: ["--component-log-level", "wasm:info"] });
  await envoy.live();
  const request = {
    host: "127.0.0.1",
    path: "/items?page=2",
    headers: { "user-agent": "test", referer: "http://a.test/" },
  };
  await call({ ...request, port });
  await call({ ...request, port: securePort, tls: { ...pki.caller, servername: "envoy.test" } });
  for (const name of ["plain", "tls"])
    await envoy.waitFor(() => new RegExp(`wasm log ${name}[^:]*: over`).test(envoy.output()), "the request to be over");
  seen = { plain: seenBy("plain"), tls: seenBy("tls") };
});

/** One of each party, of one root, with all kinds of names. */
async function certificates(): Promise<Readonly<Record<"caller" | "envoy" | "upstream", Tls>>> {
  const root = await party("root");
  const leaf = async (name: string): Promise<Tls> => {
    const names: PartyOptions["names"] = [
      { type: "url", value: `spiffe://a.test/${name}` },
      { type: "dns", value: `${name}.test` },
    ];
    const usages = KeyUsageFlags.digitalSignature;
    const { certificate, key } = await party(name, { by: root, isCa: false, usages, names });
    return { cert: certificate, key, ca: root.certificate };
  };
  return { caller: await leaf("caller"), envoy: await leaf("envoy"), upstream: await leaf("upstream") };
}

function seenBy(plugin: string): Seen {
  const found = new Map<string, Map<string, number>>();
  const lines = new RegExp(`wasm log ${plugin}[^:]*: (\\w) ([\\w.]+) (\\d+)$`, "gm");
  for (const [, phase = "", path = "", size] of envoy.output().matchAll(lines))
    found.set(path, (found.get(path) ?? new Map<string, number>()).set(phase, Number(size)));
  return found;
}

afterAll(async () => {
  await envoy.stop();
  for (const peer of peers) await peer.stop();
});

const sizes: Partial<Record<AttributeType, number>> = { int: 8, uint: 8, timestamp: 8, duration: 8, bool: 1 };

test.each(attributes)("$path is a $type in $phases", ({ path, type, phases, tls }) => {
  const plain = seen.plain.get(path) ?? new Map<string, number>();
  const secure = seen.tls.get(path) ?? new Map<string, number>();
  expect([new Set(plain.keys()), new Set(secure.keys())]).toEqual([new Set(tls ? "" : phases), new Set(phases)]);
  if (tls) expect(Math.min(...secure.values())).toBeGreaterThan(0);
  const size = sizes[type];
  if (size !== undefined)
    expect(new Set([...plain.values(), ...secure.values()])).toEqual(new Set(phases === "" ? [] : [size]));
});

/** Of a connection with TLS, what the host refuses rather than answer: it does not know. */
const notEmulated = [
  "connection.dns_san_local_certificate",
  "connection.dns_san_peer_certificate",
  "connection.sha256_peer_certificate_digest",
];

/** The host's connections to upstreams have no TLS. */
const onHost = attributes.filter(({ path, tls }) => !(tls && path.startsWith("upstream.")));

test.each(onHost)("$path exists on the host where it does on Envoy", async ({ path, phases, tls }) => {
  expect(await phasesOnHost(path)).toEqual(new Set(tls ? "" : phases));
  expect(await phasesOnHost(path, secured)).toEqual(notEmulated.includes(path) ? "not emulated" : new Set(phases));
});

const secured: TlsInit = {
  ...{ uriSanPeer: "spiffe://a.test/caller", uriSanLocal: "spiffe://a.test/envoy" },
  ...{ subjectPeer: "CN=caller", subjectLocal: "CN=envoy", serverName: "envoy.test" },
};

async function phasesOnHost(path: string, tls?: TlsInit): Promise<ReadonlySet<string> | "not emulated"> {
  const host = await Host.load(module, { config: { paths: [path] }, upstream: true });
  const headers = { "user-agent": "test", referer: "http://a.test/" };
  const connection = tls === undefined ? {} : { tls };
  try {
    host.fetch({ path: "/items?page=2", headers }, () => ({ status: 200, body: "half" }), { connection });
  } catch (error) {
    if (error instanceof NotEmulated) return "not emulated";
    throw error;
  }
  return new Set(host.logs.flatMap(({ text }) => /^(\w) ([\w.]+) (\d+)$/.exec(text)?.slice(1, 2) ?? []));
}

test("getters give them their type, and what there is none of is null, 0 or false", () => {
  expect(envoy.output()).toContain(`typed /items?page=2 false ${port} 0`);
});
