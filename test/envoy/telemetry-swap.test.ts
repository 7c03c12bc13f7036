// Telemetry's module is swapped, and its VM traps, under load: no request is lost, and what was counted goes on.

import { Agent } from "node:http";
import { connect } from "node:http2";
import { isDeepStrictEqual } from "node:util";
import { afterEach, expect, test, vi } from "vitest";
import { type SwappableEnvoy, startSwappable } from "../support/ecds-files.ts";
import { freePort, type TestEnvoy } from "../support/envoy.ts";
import { filterModule } from "../support/filter-module.ts";
import { call, keepAsking } from "../support/http.ts";
import { type Http2Target, http2Call } from "../support/http2.ts";
import { samples } from "../support/prometheus.ts";
import { trapHeaders, trapping } from "../support/trapping.ts";
import { startGrpcUpstream, startUpstream } from "../support/upstream.ts";
import { until } from "../support/wait.ts";
import { sidecarBootstrap } from "./telemetry-fixture.ts";

vi.setConfig({ testTimeout: 120_000 }); // for each metric of a new module Envoy's main thread takes milliseconds

/** Sets of labels: more than had room in one value of shared data, and few enough for a test. */
const hosts = Array.from({ length: 60 }, (_, n) => `host-${n}.test`);

let resources = new AsyncDisposableStack();
afterEach(async () => {
  await resources.disposeAsync();
  resources = new AsyncDisposableStack();
});

interface Sidecar {
  readonly envoy: SwappableEnvoy;
  readonly ports: { readonly http1: number; readonly http2: number };
  /** Answers the requests for `/held`. */
  release(): void;
  /** How many of those there are. */
  held(): number;
}

/** Where the filter runs. */
const places = {
  server: { type: "sidecar", direction: "INBOUND" },
  client: { type: "sidecar", direction: "OUTBOUND" },
  gateway: { type: "router", direction: "OUTBOUND" },
} as const;

/** @param module telemetry, as it is or changed */
async function startSidecar(
  module: Uint8Array,
  concurrency: number,
  place: keyof typeof places = "server",
): Promise<Sidecar> {
  const waiting: (() => void)[] = [];
  const app = await startUpstream((request, response) => {
    const answer = () => void response.end(request.headers.host);
    if (request.url === "/held") waiting.push(answer);
    else answer();
  });
  resources.defer(() => app.stop());
  const app2 = await startGrpcUpstream((stream, headers) => {
    stream.respond({ ":status": 200 });
    stream.end(headers[":authority"]);
  });
  resources.defer(() => app2.stop());
  const ports = { http1: await freePort(), http2: await freePort() };
  const config = { metrics: [{ dimensions: { request_host: "request.host" } }] };
  const { type, direction } = places[place];
  const bootstrap = (module: Uint8Array) => {
    const plugins = [{ name: "telemetry", module, config }];
    return sidecarBootstrap({ type, workload: "web", labels: { app: "web" } }, [
      { direction, port: ports.http1, upstreamPorts: [app.port], plugins },
      { direction, port: ports.http2, upstreamPorts: [app2.port], http2: true, plugins },
    ]);
  };
  const envoy = await startSwappable(module, bootstrap, { concurrency });
  resources.defer(() => envoy.stop());
  return {
    ...{ envoy, ports },
    release: () => {
      for (const answer of waiting.splice(0)) answer();
    },
    held: () => waiting.length,
  };
}

/** Requests that were answered, by host. */
type Answered = Map<string, number>;

const count = (answered: Answered, host: string) => answered.set(host, (answered.get(host) ?? 0) + 1);

/** A load on both listeners, which asks all hosts in turn and, when it is stopped, tells what was not answered as it should be. */
function startLoad({ ports }: Sidecar, answered: Answered): { stop(): Promise<readonly string[]> } {
  let next = 0;
  const over = (send: (host: string) => Promise<unknown>) => async (): Promise<void> => {
    const host = hosts[next++ % hosts.length] ?? "";
    const answer = await send(host);
    if (!isDeepStrictEqual(answer, [200, host])) throw new Error(JSON.stringify(answer));
    count(answered, host);
  };
  const agent = new Agent({ keepAlive: true, maxSockets: 3 });
  const sessions = Array.from({ length: 2 }, () => connect(`http://127.0.0.1:${ports.http2}`).on("error", () => {}));
  const loads = [
    keepAsking(
      3,
      over((host) => http1(ports.http1, { host, agent })),
    ),
    ...sessions.map((session) =>
      keepAsking(
        2,
        over((host) => http2(session, host)),
      ),
    ),
  ];
  return {
    async stop() {
      const results = await Promise.all(loads.map((load) => load.stop()));
      agent.destroy();
      for (const session of sessions) session.destroy();
      return results.flatMap(({ broken }) => broken);
    },
  };
}

async function http1(port: number, { host, agent, path = "/" }: { host: string; agent?: Agent; path?: string }) {
  const { status, body } = await call({ host: "127.0.0.1", port, path, headers: { host }, ...(agent && { agent }) });
  return [status, body];
}

async function http2(target: Http2Target, host: string): Promise<unknown> {
  const { headers, body } = await http2Call(target, { ":authority": host });
  return [headers[":status"], body];
}

/** What counts each request: a counter, and a histogram, which Envoy keeps apart for each worker and adds up every 5 s. */
const metrics = ["istio_requests_total", "istio_request_duration_milliseconds_count"] as const;

/** Requests answered with 200 that a metric has counted, by host. */
async function counted(envoy: TestEnvoy, metric: (typeof metrics)[number]): Promise<Answered> {
  const counts: Answered = new Map();
  for (const { labels, value } of await samples(envoy, metric)) {
    const { request_host: host = "", response_code } = labels;
    if (response_code !== "200") continue;
    counts.set(host, (counts.get(host) ?? 0) + value);
  }
  return counts;
}

const sorted = (counts: Answered) => Object.fromEntries([...counts].toSorted());

/** Waits until as many requests are counted, which happens after the answer has gone, and shows what is missing if they never are. */
async function expectCounted(envoy: TestEnvoy, answered: Answered): Promise<void> {
  const sum = (counts: Answered) => counts.values().reduce((all, one) => all + one, 0);
  for (const metric of metrics) {
    const isEnough = async () => sum(await counted(envoy, metric)) >= sum(answered);
    await until(isEnough, "all requests to be counted", { deadlineMs: 15_000 }).catch(() => {});
    expect(sorted(await counted(envoy, metric)), metric).toEqual(sorted(answered));
  }
}

test.each([
  { place: "server", concurrency: 1 },
  { place: "server", concurrency: 4 },
  { place: "client", concurrency: 4 },
  { place: "gateway", concurrency: 4 },
] as const)(
  "swaps of the module under load, at a $place with $concurrency workers, lose no request and no count",
  async ({ place, concurrency }) => {
    const sidecar = await startSidecar(await filterModule("telemetry"), concurrency, place);
    const answered: Answered = new Map();
    const load = startLoad(sidecar, answered);
    await until(() => answered.size === hosts.length, "all hosts to be asked");
    for (let swap = 0; swap < 4; swap++) {
      const before = sorted(answered);
      await sidecar.envoy.swap();
      await until(
        () => hosts.every((host) => (answered.get(host) ?? 0) > (before[host] ?? 0)),
        "all hosts to be asked again",
      );
    }
    expect(await load.stop()).toEqual([]);
    await expectCounted(sidecar.envoy, answered);
    expect(answered.size).toBe(hosts.length);
  },
);

test.each([1, 4])(
  "with %i workers, what nobody asks for again is not forgotten, also what was open at the swap",
  async (concurrency) => {
    const sidecar = await startSidecar(await filterModule("telemetry"), concurrency);
    const { envoy, ports } = sidecar;
    const answered: Answered = new Map();
    for (const host of hosts) {
      expect(await http1(ports.http1, { host })).toEqual([200, host]);
      count(answered, host);
    }
    for (const host of ["late-0.test", "late-1.test"]) {
      const open = http1(ports.http1, { host, path: "/held" });
      await until(() => sidecar.held() === 1, "the request to arrive");
      await sidecar.envoy.swap();
      sidecar.release();
      expect(await open).toEqual([200, host]);
      count(answered, host);
      await expectCounted(envoy, answered);
    }
    await sidecar.envoy.swap();
    await expectCounted(envoy, answered);
  },
);

test("a VM that traps takes along the requests that it has open, and no count", async () => {
  const module = await trapping(await filterModule("telemetry"));
  const sidecar = await startSidecar(module, 1);
  const { envoy, ports } = sidecar;
  const answered: Answered = new Map();
  const askAll = async () => {
    for (const host of hosts) {
      expect(await http1(ports.http1, { host })).toEqual([200, host]);
      count(answered, host);
    }
  };
  await askAll();
  for (let trap = 0; trap < 3; trap++) {
    const open = http1(ports.http1, { host: "open.test", path: "/held" });
    await until(() => sidecar.held() === 1, "the request to arrive");
    const { status } = await call({ host: "127.0.0.1", port: ports.http1, headers: trapHeaders });
    expect(status).toBe(503);
    sidecar.release();
    expect(await open).toEqual([503, ""]);
    await envoy.waitFor(async () => {
      const [status] = await http1(ports.http1, { host: "again.test" });
      if (status === 200) count(answered, "again.test");
      return status === 200;
    }, "the VM to be loaded again");
    await askAll();
    await expectCounted(envoy, answered);
  }
  await sidecar.envoy.swap();
  await expectCounted(envoy, answered);
});
