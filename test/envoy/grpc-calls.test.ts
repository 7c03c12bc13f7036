// gRPC calls of a filter on a real Envoy.
import * as grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { freePort, startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { filterBootstrap, staticCluster } from "../support/filter-envoy.ts";
import { sourceModule } from "../support/filter-module.ts";
import { call } from "../support/http.ts";

vi.setConfig({ hookTimeout: 120_000 }); // the compiler takes seconds where others compute

let envoy: TestEnvoy;
let port: number;
const server = new grpc.Server();

beforeAll(async () => {
  const module = await sourceModule("sdk/assembly/testing/grpc.ts");
  const raw = { requestStream: false, responseStream: false, ...bytes("request"), ...bytes("response") };
  const methods = {
    Call: { path: "/test.Echo/Call", ...raw },
    Fail: { path: "/test.Echo/Fail", ...raw },
    Stream: { path: "/test.Echo/Stream", ...raw, requestStream: true, responseStream: true },
  };
  server.addService(methods, {
    Call: ((request, done) =>
      done(
        null,
        Buffer.from(`${request.request} ${request.metadata.get("x-asked-by")}`),
      )) satisfies grpc.handleUnaryCall<Buffer, Buffer>,
    Fail: ((_, done) => done({ code: 7, details: "not you" })) satisfies grpc.handleUnaryCall<Buffer, Buffer>,
    Stream: ((stream) => {
      const begin = new grpc.Metadata();
      begin.set("x-begin", "a");
      stream.sendMetadata(begin);
      stream.on("data", (message: Buffer) => stream.write(message));
      stream.on("end", () => {
        const end = new grpc.Metadata();
        end.set("x-end", "z");
        stream.end(end);
      });
    }) satisfies grpc.handleBidiStreamingCall<Buffer, Buffer>,
  });
  const grpcPort = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  port = await freePort();
  const chain = { direction: "INBOUND", port, upstreamPorts: [grpcPort], plugins: [{ name: "grpc", module }] } as const;
  const peers = [staticCluster("grpc", grpcPort, true), staticCluster("nobody", await freePort(), true)];
  envoy = await startEnvoy(filterBootstrap([chain], undefined, peers), {
    args: ["--component-log-level", "wasm:info"],
  });
  await envoy.live();
});

afterAll(async () => {
  await envoy.stop();
  server.forceShutdown();
});

test.each([
  ["/call", "got hello a filter"],
  ["/fail", "closed with 7 not%20you{via_upstream}"],
  ["/stream", "a\nhello\nagain\nz\n0OK{via_upstream}"],
  [
    "/nobody",
    "closed with 14 upstream connect error or disconnect/reset before headers. reset reason: remote connection failure{upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}}",
  ],
  ["/unknown", "refused with 10"],
])("%s", async (path, body) => {
  expect((await call({ host: "127.0.0.1", port, path })).body).toBe(body);
});

function bytes<Side extends "request" | "response">(side: Side) {
  const same = (value: Buffer) => value;
  return { [`${side}Serialize`]: same, [`${side}Deserialize`]: same } as {
    [K in `${Side}Serialize` | `${Side}Deserialize`]: typeof same;
  };
}
