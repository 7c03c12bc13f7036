// What would crash Envoy is refused by the SDK: the same on a real Envoy and on the host, which throws where it is not.
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Host } from "../../sdk/host/index.ts";
import { freePort, startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { filterBootstrap } from "../support/filter-envoy.ts";
import { sourceModule } from "../support/filter-module.ts";
import { grpcCall } from "../support/http2.ts";
import { startGrpcUpstream, type Upstream } from "../support/upstream.ts";

vi.setConfig({ hookTimeout: 120_000 }); // the compiler takes seconds where others compute

let envoy: TestEnvoy;
let peer: Upstream;
let host: Host;
let port: number;

beforeAll(async () => {
  const module = await sourceModule("sdk/assembly/testing/guards.ts");
  host = await Host.load(module);
  peer = await startGrpcUpstream((stream, { ":path": path }) => {
    stream.respond({ ":status": 200 }, { waitForTrailers: path !== "/held-body" });
    stream.once("wantTrailers", () => stream.sendTrailers({ "x-sum": "3" }));
    stream.end("half");
  });
  port = await freePort();
  const chain = { direction: "INBOUND", port, upstreamPorts: [peer.port], http2: true } as const;
  envoy = await startEnvoy(filterBootstrap([{ ...chain, plugins: [{ name: "guards", module }] }]), {
    args: ["--component-log-level", "wasm:info"],
  });
  await envoy.live();
});

afterAll(async () => {
  await envoy.stop();
  await peer.stop();
});

test.each([
  ["/request-twice", ["request 0"]],
  ["/no-response", ["response 2"]],
  ["/response-twice", ["response 0"]],
  ["/request-stop", []],
  ["/response-stop", []],
  ["/body-stop", []],
  ["/held-headers", ["tick 0"]],
  ["/held-body", ["tick 0"]],
  ["/held-trailers", ["tick 0"]],
  ["/end", ["log 2 2 2", "done 2 2 2", "delete 2 2 2"]],
  ["/another's", ["over true"]],
])("%s passes once, and the filter hears %s", async (path, lines) => {
  const trailers = path === "/held-body" ? undefined : { "x-sum": "3" };
  const before = envoy.output().length;
  const seen = peer.seen.length;
  const reply = await grpcCall(port, { ":path": path });
  expect([reply[":status"], reply["x-sum"], reply["x-late"]]).toEqual([200, trailers?.["x-sum"], undefined]);
  expect(peer.seen.slice(seen).map(({ headers }) => [headers[":path"], headers["x-over"]])).toEqual([
    [path, undefined],
  ]);
  const said = () =>
    [...envoy.output(before).matchAll(/wasm log [^:]*guards: (.*)/g)].map(([, text = ""]) => text.trim());
  await envoy.waitFor(
    () => said().length >= lines.length,
    () => `${lines} instead of ${said()}`,
  );
  expect(said()).toEqual(lines);
  expect(envoy.output(before)).not.toContain("envoy bug failure");

  const first = host.logs.length;
  const stream = host.stream({ path, method: "POST", body: "01234" });
  stream.attempt()?.respond({ status: 200, body: "half", ...(trailers && { trailers }) });
  host.advance("1s");
  expect(stream.reply).toMatchObject({ status: 200, body: "half", isCut: false, attempts: 1 });
  expect(host.logs.slice(first).map(({ text }) => text)).toEqual(lines);
});
