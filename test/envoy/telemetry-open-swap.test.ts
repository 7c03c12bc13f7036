// Telemetry's module is swapped under a gRPC call and a TCP connection that stay open, and its VM traps, which the
// controller has pass by: what is counted is what went through.
import { connect, createServer } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { type SwappableEnvoy, startSwappable } from "../support/ecds-files.ts";
import { freePort, type TestEnvoy } from "../support/envoy.ts";
import { staticCluster } from "../support/filter-envoy.ts";
import { filterModule } from "../support/filter-module.ts";
import { emptyMessage, grpcHeaders, http2Call, openHttp2 } from "../support/http2.ts";
import { samples } from "../support/prometheus.ts";
import { trapHeaders, trapping } from "../support/trapping.ts";
import { startGrpcUpstream } from "../support/upstream.ts";
import { until } from "../support/wait.ts";
import { answerTwice, sidecarBootstrap } from "./telemetry-fixture.ts";

vi.setConfig({ testTimeout: 120_000 }); // the compiler takes seconds where others compute

let resources = new AsyncDisposableStack();
afterEach(async () => {
  await resources.disposeAsync();
  resources = new AsyncDisposableStack();
});

interface Sidecar {
  readonly envoy: SwappableEnvoy;
  readonly ports: { readonly grpc: number; readonly tcp: number };
}

/** One worker, and telemetry as the controller delivers it. Its applications answer a message with two, and bytes with the same. */
async function startSidecar(module: Uint8Array): Promise<Sidecar> {
  const app = await startGrpcUpstream(answerTwice);
  resources.defer(() => app.stop());
  const [echoPort, ports] = [await freePort(), { grpc: await freePort(), tcp: await freePort() }];
  const echo = createServer((socket) => void socket.on("error", () => {}).pipe(socket)).listen(echoPort, "127.0.0.1");
  resources.defer(() => void echo.close());
  const bootstrap = (module: Uint8Array) => {
    const plugin = {
      name: "telemetry",
      module,
      config: { tcp_reporting_duration: "50ms" },
      failurePolicy: "FAIL_OPEN",
    } as const;
    const peers = [staticCluster("echo", echoPort)];
    const grpc = { port: ports.grpc, upstreamPorts: [app.port], http2: true, plugins: [plugin], peers } as const;
    return sidecarBootstrap({ workload: "web", labels: { app: "web" } }, [{ ...grpc, direction: "INBOUND" }], {
      tcp: [{ port: ports.tcp, cluster: "echo", plugin }],
    });
  };
  const envoy = await startSwappable(module, bootstrap);
  resources.defer(() => envoy.stop());
  return { envoy, ports };
}

interface Open {
  /** Sends a message, or bytes, and waits until the answer is there. */
  say(): Promise<void>;
  end(): Promise<void>;
}

function openCall({ ports }: Sidecar): Open {
  const { stream, reply, end } = openHttp2(ports.grpc, grpcHeaders());
  let wanted = 0;
  return {
    async say() {
      stream.write(emptyMessage);
      wanted += 2 * emptyMessage.length;
      await until(() => reply.body.length === wanted, "the call's answer");
    },
    async end() {
      stream.end();
      await end;
    },
  };
}

const bytes = "12345678";

function openConnection({ ports }: Sidecar): Open {
  const socket = connect(ports.tcp, "127.0.0.1").on("error", () => {});
  const closed = new Promise<void>((resolve) => void socket.once("close", () => resolve()));
  let [wanted, received] = [0, 0];
  socket.on("data", (data) => {
    received += data.length;
  });
  return {
    async say() {
      socket.write(bytes);
      wanted += bytes.length;
      await until(() => received === wanted, "the connection's answer");
    },
    async end() {
      socket.end();
      await closed;
    },
  };
}

const metrics = {
  requests: "istio_requests_total",
  toApp: "istio_request_messages_total",
  fromApp: "istio_response_messages_total",
  opened: "istio_tcp_connections_opened_total",
  closed: "istio_tcp_connections_closed_total",
  sent: "istio_tcp_sent_bytes_total",
  received: "istio_tcp_received_bytes_total",
} as const;

type Counts = Readonly<Record<keyof typeof metrics, number>>;

/** What is counted of everything. */
async function counted(envoy: TestEnvoy): Promise<Counts> {
  const sums = Object.entries(metrics).map(async ([key, name]) => {
    const all = await samples(envoy, name);
    return [key, all.reduce((sum, { value }) => sum + value, 0)];
  });
  return Object.fromEntries(await Promise.all(sums));
}

/** What so many exchanges make, on so many calls and connections. */
function countsOf(exchanges: number, { opened, over }: { readonly opened: number; readonly over: number }): Counts {
  const size = exchanges * bytes.length;
  const messages = { requests: over, toApp: exchanges, fromApp: 2 * exchanges };
  return { ...messages, opened, closed: over, sent: size, received: size };
}

async function expectCounted({ envoy }: Sidecar, wanted: Counts): Promise<void> {
  const isThere = async () => {
    const found = await counted(envoy);
    return Object.entries(wanted).every(([key, value]) => found[key as keyof Counts] >= value);
  };
  await until(isThere, "all to be counted", { deadlineMs: 10_000 }).catch(() => {});
  expect(await counted(envoy)).toEqual(wanted);
}

const vms = ({ envoy }: Sidecar) => envoy.stat("wasm.envoy.wasm.runtime.v8.active");

test("what is open over swaps is counted in its old VM while it is, and nothing is counted twice or forgotten", async () => {
  const sidecar = await startSidecar(await filterModule("telemetry"));
  const first = await vms(sidecar);
  const open: Open[] = [];
  let exchanges = 0;
  for (let swap = 0; swap < 3; swap++) {
    if (swap > 0) await sidecar.envoy.swap();
    open.push(openCall(sidecar), openConnection(sidecar));
    for (const one of open) await one.say();
    exchanges += open.length / 2;
    await expectCounted(sidecar, countsOf(exchanges, { opened: swap + 1, over: 0 }));
  }
  expect(await vms(sidecar)).toBeGreaterThan(first);
  for (const one of open) await one.say();
  exchanges += open.length / 2;
  for (const one of open) await one.end();
  const all = countsOf(exchanges, { opened: 3, over: 3 });
  await expectCounted(sidecar, all);
  await sidecar.envoy.waitFor(async () => (await vms(sidecar)) === first, "the old VMs to end");
  expect(await counted(sidecar.envoy)).toEqual(all);
  for (const name of Object.values(metrics)) expect(await samples(sidecar.envoy, name)).toHaveLength(1);
});

test("after a trap all passes uncounted, until a swap from which the counters go on", async () => {
  const sidecar = await startSidecar(await trapping(await filterModule("telemetry")));
  const exchange = async () => {
    for (const one of [openCall(sidecar), openConnection(sidecar)]) {
      await one.say();
      await one.end();
    }
  };
  await exchange();
  await expectCounted(sidecar, countsOf(1, { opened: 1, over: 1 }));
  const { headers } = await http2Call(sidecar.ports.grpc, grpcHeaders(trapHeaders));
  expect(headers).toMatchObject({ "grpc-status": "14" });
  for (let i = 0; i < 3; i++) await exchange();
  await sidecar.envoy.swap();
  await expectCounted(sidecar, countsOf(1, { opened: 1, over: 1 }));
  for (let i = 0; i < 3; i++) await exchange();
  await expectCounted(sidecar, countsOf(4, { opened: 4, over: 4 }));
});
