// An access logger on a real Envoy: `Plugin.onLog` of a module that serves no filter chain.
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { freePort, startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { filterBootstrap } from "../support/filter-envoy.ts";
import { sourceModule } from "../support/filter-module.ts";
import { grpcCall } from "../support/http2.ts";
import { startGrpcUpstream, type Upstream } from "../support/upstream.ts";

vi.setConfig({ hookTimeout: 120_000 }); // the compiler takes seconds where others compute

let envoy: TestEnvoy;
let peer: Upstream;
let port: number;

beforeAll(async () => {
  const module = await sourceModule("sdk/assembly/testing/access-log.ts");
  peer = await startGrpcUpstream((stream) => {
    stream.respond({ ":status": 201, "x-kind": "shop" }, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers({ "x-sum": "3" }));
    stream.end("half");
  });
  port = await freePort();
  const logger = { name: "logger", module };
  const chain = { direction: "INBOUND", port, upstreamPorts: [peer.port], http2: true } as const;
  envoy = await startEnvoy(filterBootstrap([{ ...chain, plugins: [logger], accessLoggers: [logger] }]), {
    args: ["--component-log-level", "wasm:info"],
  });
  await envoy.live();
});

afterAll(async () => {
  await envoy.stop();
  await peer.stop();
});

test.each(["/one", "/two"])(
  "it reads headers, trailers and final properties of %s, and changes nothing",
  async (path) => {
    const before = envoy.output().length;
    expect((await grpcCall(port, { ":path": path, "x-a": "1" }))["x-late"]).toBeUndefined();
    await envoy.waitFor(() => envoy.output(before).includes("source "), "the logger to be done");
    const lines = [...envoy.output(before).matchAll(/wasm log logger[^:]*: (.*)/g)].map(([, text = ""]) => text.trim());
    expect(lines).toEqual([
      `path ${path}`,
      expect.stringMatching(/^request .*:path,.*x-a,/),
      expect.stringMatching(/^response 201 :status,x-kind,/),
      "trailers x-sum",
      "write 2",
      "code 201",
      "details via_upstream",
      "duration true",
      "bytes 4",
      `cluster inbound|${port}`,
      "state of a filter",
      "source true",
    ]);
  },
);
