// Telemetry on all threads of an Envoy, over HTTP/1.1, HTTP/2 and gRPC: what they count is one number.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort, type TestEnvoy } from "../support/envoy.ts";
import { filterModule } from "../support/filter-module.ts";
import { call } from "../support/http.ts";
import { grpcCall, http2Call } from "../support/http2.ts";
import { samples } from "../support/prometheus.ts";
import { startGrpcUpstream, startUpstream, type Upstream } from "../support/upstream.ts";
import { startSidecar } from "./telemetry-fixture.ts";

const calls = 60;
const ports = { http1: 0, http2: 0 };
let app: Upstream;
let grpcApp: Upstream;

beforeAll(async () => {
  app = await startUpstream((_, response) => void response.end("ok"));
  grpcApp = await startGrpcUpstream((stream, { "content-type": type = "text/plain" }) => {
    stream.respond({ ":status": 200, "content-type": type }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(new Uint8Array(type === "application/grpc" ? 15 : 2)); // three empty messages
  });
  for (const name of ["http1", "http2"] as const) ports[name] = await freePort();
});

afterAll(async () => {
  await app.stop();
  await grpcApp.stop();
});

describe.each([
  { place: "a server's sidecar", type: "sidecar", direction: "INBOUND", reporter: "destination" },
  { place: "a client's sidecar", type: "sidecar", direction: "OUTBOUND", reporter: "source" },
  { place: "a gateway", type: "router", direction: "OUTBOUND", reporter: "source" },
] as const)("$place", ({ type, direction, reporter }) => {
  let envoy: TestEnvoy;

  beforeAll(async () => {
    const module = await filterModule("telemetry");
    const metrics = [{ dimensions: { request_host: "request.host" } }];
    const accessLog = { fields: { host: "request.host", protocol: "request.protocol", code: "response.code" } };
    const plugins = [{ name: "telemetry", module, config: { metrics, accessLog } }];
    const chains = [
      { direction, port: ports.http1, upstreamPorts: [app.port], plugins },
      { direction, port: ports.http2, upstreamPorts: [grpcApp.port], http2: true, plugins },
    ];
    envoy = await startSidecar({ type, workload: "web", labels: { app: "web" } }, chains, { concurrency: 4 });
  });

  afterAll(() => envoy.stop());

  test("four threads count together, and each request has its line", async () => {
    for (let i = 0; i < calls; i++) {
      await call({ host: "127.0.0.1", port: ports.http1, headers: { host: "one.test" } });
      await http2Call(ports.http2, { ":authority": "two.test" });
      await grpcCall(ports.http2, { ":authority": "grpc.test" });
    }
    const counts = async (name: string) =>
      Object.fromEntries((await samples(envoy, name)).map(({ labels, value }) => [labels["request_host"], value]));
    const all = { "one.test": calls, "two.test": calls, "grpc.test": calls };
    await envoy.waitFor(async () => {
      const found = await samples(envoy, "istio_requests_total");
      return found.reduce((sum, { value }) => sum + value, 0) === 3 * calls;
    }, "all requests to be counted");
    expect(await counts("istio_requests_total")).toEqual(all);
    expect(new Set((await samples(envoy, "istio_requests_total")).map(({ labels }) => labels["reporter"]))).toEqual(
      new Set([reporter]),
    );
    expect(await counts("istio_request_messages_total")).toEqual({ "grpc.test": calls });
    expect(await counts("istio_response_messages_total")).toEqual({ "grpc.test": 3 * calls });
    const lines = await envoy.waitFor(() => {
      const found = envoy
        .output()
        .split("\n")
        .filter((line) => line.startsWith('{"host"'));
      return found.length === 3 * calls && found;
    }, "a line for each request");
    expect(new Set(lines)).toEqual(
      new Set([
        '{"host":"one.test","protocol":"HTTP/1.1","code":200}',
        '{"host":"two.test","protocol":"HTTP/2","code":200}',
        '{"host":"grpc.test","protocol":"HTTP/2","code":200}',
      ]),
    );
  });
});
