// Telemetry's module is swapped under gRPC calls and TCP connections that stay open, and its VM traps, which the
// controller has pass by: what is counted is what went through.
import { constants } from "node:http2";
import { connect, createServer } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { type SwappableEnvoy, startSwappable } from "../support/ecds-files.ts";
import { freePort, type TestEnvoy } from "../support/envoy.ts";
import { staticCluster } from "../support/filter-envoy.ts";
import { filterModule } from "../support/filter-module.ts";
import { emptyMessage, grpcHeaders, http2Call, openHttp2 } from "../support/http2.ts";
import { type Sample, samples } from "../support/prometheus.ts";
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

/** Directions of traffic, by who tells of it. */
const directions = { source: "OUTBOUND", destination: "INBOUND" } as const;
type Reporter = keyof typeof directions;
const reporters = ["source", "destination"] as const satisfies readonly Reporter[];

interface Ports {
  readonly grpc: number;
  readonly tcp: number;
}

interface Sidecar {
  readonly envoy: SwappableEnvoy;
  readonly ports: Readonly<Record<Reporter, Ports>>;
}

/**
 * Telemetry as the controller delivers it: a configuration for each direction. Its applications answer a message with two,
 * and bytes with the same.
 */
async function startSidecar(module: Uint8Array, concurrency: number): Promise<Sidecar> {
  const app = await startGrpcUpstream(answerTwice);
  resources.defer(() => app.stop());
  const echoPort = await freePort();
  const echo = createServer((socket) => void socket.on("error", () => {}).pipe(socket)).listen(echoPort, "127.0.0.1");
  resources.defer(() => void echo.close());
  const newPorts = async (): Promise<Ports> => ({ grpc: await freePort(), tcp: await freePort() });
  const ports = { source: await newPorts(), destination: await newPorts() };
  const services = [{ host: "catalog.shop.svc.cluster.local", name: "catalog", namespace: "shop" }];
  const bootstrap = (module: Uint8Array) => {
    const chains = reporters.map((reporter) => {
      const config = { tcp_reporting_duration: reporter === "source" ? "40ms" : "50ms" };
      const plugin = { name: "telemetry", module, config, failurePolicy: "FAIL_OPEN" } as const;
      const { grpc, tcp } = ports[reporter];
      const direction = directions[reporter];
      const toApp = { upstreamPorts: [app.port], http2: true, clusterMetadata: { istio: { services } } };
      const peers = reporter === "source" ? [staticCluster("echo", echoPort)] : [];
      return {
        http: { ...toApp, direction, port: grpc, plugins: [plugin], peers },
        tcp: { direction, port: tcp, cluster: "echo", plugin },
      };
    });
    const [http, tcp] = [chains.map((chain) => chain.http), chains.map((chain) => chain.tcp)];
    return sidecarBootstrap({ workload: "web", labels: { app: "web" } }, http, { tcp });
  };
  const envoy = await startSwappable(module, bootstrap, { concurrency });
  resources.defer(() => envoy.stop());
  return { envoy, ports };
}

interface Open {
  /** Sends a message, or bytes. */
  send(): void;
  /** The same, and waits until the answer is there. */
  say(): Promise<void>;
  end(): Promise<void>;
  /** Its end, with the code where that is a call's reset, else 0. */
  readonly over: Promise<number>;
}

function openCall(port: number): Open {
  const { stream, reply, end } = openHttp2(port, grpcHeaders());
  let wanted = 0;
  const send = (): void => {
    stream.write(emptyMessage);
    wanted += 2 * emptyMessage.length;
  };
  return {
    send,
    async say() {
      send();
      await until(() => reply.body.length === wanted, "the call's answer");
    },
    async end() {
      stream.end();
      await end;
    },
    over: end.then(({ code }) => code),
  };
}

const bytes = "12345678";

function openConnection(port: number): Open {
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  const over = new Promise<number>((resolve) => void socket.once("close", () => resolve(0)));
  let [wanted, received] = [0, 0];
  socket.on("data", (data) => {
    received += data.length;
  });
  const send = (): void => {
    socket.write(bytes);
    wanted += bytes.length;
  };
  return {
    send,
    async say() {
      send();
      await until(() => received === wanted, "the connection's answer");
    },
    async end() {
      socket.end();
      await over;
    },
    over,
  };
}

/** A call and a connection in each direction. */
const openAll = ({ ports }: Sidecar): readonly Open[] =>
  reporters.flatMap((reporter) => [openCall(ports[reporter].grpc), openConnection(ports[reporter].tcp)]);

async function exchangeAll(sidecar: Sidecar): Promise<void> {
  for (const one of openAll(sidecar)) {
    await one.say();
    await one.end();
  }
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

/** What is counted of everything in one direction. */
async function counted(envoy: TestEnvoy, reporter: Reporter): Promise<Counts> {
  const sums = Object.entries(metrics).map(async ([key, name]) => {
    const all = await seriesOf(envoy, name, reporter);
    return [key, all.reduce((sum, { value }) => sum + value, 0)];
  });
  return Object.fromEntries(await Promise.all(sums));
}

async function seriesOf(envoy: TestEnvoy, name: string, reporter: Reporter): Promise<readonly Sample[]> {
  return (await samples(envoy, name)).filter(({ labels }) => labels["reporter"] === reporter);
}

/** What so many exchanges make, on so many calls and connections. */
function countsOf(exchanges: number, { opened, over }: { readonly opened: number; readonly over: number }): Counts {
  const size = exchanges * bytes.length;
  const messages = { requests: over, toApp: exchanges, fromApp: 2 * exchanges };
  return { ...messages, opened, closed: over, sent: size, received: size };
}

/** Waits until as much is counted in each direction, and shows what is not if it never is. */
async function expectCounted({ envoy }: Sidecar, wanted: Counts): Promise<void> {
  for (const reporter of reporters) {
    const isThere = async () => {
      const found = await counted(envoy, reporter);
      return Object.entries(wanted).every(([key, value]) => found[key as keyof Counts] >= value);
    };
    await until(isThere, "all to be counted", { deadlineMs: 10_000 }).catch(() => {});
    expect(await counted(envoy, reporter), reporter).toEqual(wanted);
  }
}

const vms = ({ envoy }: Sidecar) => envoy.stat("wasm.envoy.wasm.runtime.v8.active");

test.each([1, 4])(
  "on %i workers, what is open over swaps is counted in its old VM while it is, and nothing is counted twice or forgotten",
  async (concurrency) => {
    const sidecar = await startSidecar(await filterModule("telemetry"), concurrency);
    const { envoy } = sidecar;
    const first = await vms(sidecar);
    const rounds: (readonly Open[])[] = [];
    let exchanges = 0;
    const sayAll = async () => {
      for (const one of rounds.flat()) await one.say();
      exchanges += rounds.length;
    };
    for (let swap = 0; swap < 3; swap++) {
      if (swap > 0) await envoy.swap();
      rounds.push(openAll(sidecar));
      await sayAll();
      await expectCounted(sidecar, countsOf(exchanges, { opened: swap + 1, over: 0 }));
    }
    expect(await vms(sidecar)).toBeGreaterThan(first);
    await sayAll();
    for (const one of rounds.flat()) await one.end();
    const all = countsOf(exchanges, { opened: 3, over: 3 });
    await expectCounted(sidecar, all);
    await envoy.waitFor(async () => (await vms(sidecar)) === first, "the old VMs to end");
    await expectCounted(sidecar, all);
    for (const reporter of reporters)
      for (const name of Object.values(metrics)) expect(await seriesOf(envoy, name, reporter)).toHaveLength(1);
  },
);

/** Has the only worker's VM trap. The request that does it is lost. */
async function trap({ ports }: Sidecar): Promise<void> {
  const { headers } = await http2Call(ports.destination.grpc, grpcHeaders(trapHeaders));
  expect(headers).toMatchObject({ "grpc-status": "14" });
}

test("after a trap all passes uncounted, until a swap from which the counters go on", async () => {
  const sidecar = await startSidecar(await trapping(await filterModule("telemetry")), 1);
  await exchangeAll(sidecar);
  await expectCounted(sidecar, countsOf(1, { opened: 1, over: 1 }));
  await trap(sidecar);
  for (let i = 0; i < 3; i++) await exchangeAll(sidecar);
  await sidecar.envoy.swap();
  await expectCounted(sidecar, countsOf(1, { opened: 1, over: 1 }));
  for (let i = 0; i < 3; i++) await exchangeAll(sidecar);
  await expectCounted(sidecar, countsOf(4, { opened: 4, over: 4 }));
});

test("what is open in a VM that traps is broken off at its next bytes: what is counted of it stays, its end is not", async () => {
  const sidecar = await startSidecar(await trapping(await filterModule("telemetry")), 1);
  const open = openAll(sidecar);
  for (const one of open) await one.say();
  await expectCounted(sidecar, countsOf(1, { opened: 1, over: 0 }));
  await trap(sidecar);
  for (const one of open) one.send();
  const codes = await Promise.all(open.map(({ over }) => over));
  expect(codes).toEqual(reporters.flatMap(() => [constants.NGHTTP2_INTERNAL_ERROR, 0]));
  await sidecar.envoy.swap();
  await exchangeAll(sidecar);
  await expectCounted(sidecar, countsOf(2, { opened: 2, over: 1 }));
});
