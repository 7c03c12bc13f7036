import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort, type TestEnvoy } from "../support/envoy.ts";
import { filterModule } from "../support/filter-module.ts";
import { emptyMessage, grpcHeaders, openHttp2 } from "../support/http2.ts";
import { samples } from "../support/prometheus.ts";
import { startGrpcUpstream, type Upstream } from "../support/upstream.ts";
import { answerTwice, startSidecar } from "./telemetry-fixture.ts";

// The messages of gRPC calls that stay open, as a client's sidecar and a server's count them.

const ports = { client: 0, server: 0 };
let app: Upstream;
let web: TestEnvoy;
let catalog: TestEnvoy;

beforeAll(async () => {
  app = await startGrpcUpstream((stream, { ":path": path }) => {
    if (path === "/talk") return answerTwice(stream);
    // Where the caller asks for it there is nothing before its end.
    stream.resume();
    stream.on("end", () => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      stream.end(emptyMessage);
    });
  });
  for (const name of ["client", "server"] as const) ports[name] = await freePort();
  const module = await filterModule("telemetry");
  const plugins = [{ name: "telemetry", module, config: { tcp_reporting_duration: "50ms" } }];
  const services = [{ host: "catalog.shop.svc.cluster.local", name: "catalog", namespace: "shop" }];
  const common = { http2: true, clusterMetadata: { istio: { services } }, plugins } as const;
  catalog = await startSidecar({ workload: "catalog-v1", labels: { app: "catalog" } }, [
    { ...common, direction: "INBOUND", port: ports.server, upstreamPorts: [app.port] },
  ]);
  web = await startSidecar({ workload: "web", labels: { app: "web" } }, [
    { ...common, direction: "OUTBOUND", port: ports.client, upstreamPorts: [ports.server] },
  ]);
});

afterAll(async () => {
  await web?.stop();
  await catalog?.stop();
  await app?.stop();
});

const open = (path: string) => openHttp2(ports.client, grpcHeaders({ ":path": path })).stream;

/** Messages that an Envoy has counted, in how many series, and the calls that are over. */
async function counts(of: TestEnvoy): Promise<Readonly<Record<"requests" | "responses" | "series" | "over", number>>> {
  const [requests, responses, over] = await Promise.all(
    ["request_messages", "response_messages", "requests"].map((name) => samples(of, `istio_${name}_total`)),
  );
  const sum = (all: typeof requests = []): number => all.reduce((total, { value }) => total + value, 0);
  return { requests: sum(requests), responses: sum(responses), series: requests?.length ?? 0, over: sum(over) };
}

const until = (of: TestEnvoy, wanted: Partial<Awaited<ReturnType<typeof counts>>>): Promise<unknown> =>
  of.waitFor(async () => {
    const found = await counts(of);
    return Object.entries(wanted).every(([key, value]) => found[key as keyof typeof found] === value);
  }, JSON.stringify(wanted));

test("a call that stays open is counted while it does, once, and in one series with what comes at its end", async () => {
  const call = open("/talk");
  call.write(emptyMessage);
  for (const of of [web, catalog]) await until(of, { requests: 1, responses: 2, over: 0 });
  call.write(emptyMessage);
  call.write(emptyMessage);
  for (const of of [web, catalog]) await until(of, { requests: 3, responses: 6, over: 0 });
  call.end(emptyMessage);
  for (const of of [web, catalog]) await until(of, { requests: 4, responses: 8, over: 1, series: 1 });
  const [found] = await samples(web, "istio_request_messages_total");
  expect(found?.labels).toMatchObject({ source_workload: "web", destination_workload: "catalog-v1" });
});

test("before there is an answer only the server's sidecar knows both ends", async () => {
  const call = open("/upload");
  call.write(emptyMessage);
  await until(catalog, { requests: 5, over: 1 });
  expect(await counts(web)).toMatchObject({ requests: 4 });
  call.end();
  for (const of of [web, catalog]) await until(of, { requests: 5, responses: 9, over: 2, series: 1 });
});
