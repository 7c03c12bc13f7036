// Telemetry's module is swapped, and its VM traps, under load: no request is lost, and what was counted goes on.

import { once } from "node:events";
import { mkdtempDisposable } from "node:fs/promises";
import { Agent } from "node:http";
import * as http2 from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { isDeepStrictEqual } from "node:util";
import { afterEach, expect, test, vi } from "vitest";
import { withCustomSection } from "../../sdk/build/custom-sections.ts";
import { type SwappableFilters, swappableFilters } from "../support/ecds-files.ts";
import { freePort, startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { filterModule } from "../support/filter-module.ts";
import { call } from "../support/http.ts";
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
  readonly envoy: TestEnvoy;
  readonly ports: { readonly http1: number; readonly http2: number };
  /** Another module that does the same takes over. */
  swap(): Promise<void>;
  /** Answers the requests for `/held`. */
  release(): void;
  /** How many of those there are. */
  held(): number;
}

/** @param module telemetry, as it is or changed */
async function startSidecar(module: Uint8Array, concurrency: number): Promise<Sidecar> {
  const folder = resources.use(await mkdtempDisposable(join(tmpdir(), "sluice-"))).path;
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
  const bootstrap = (version: number) => {
    const plugins = [
      { name: "telemetry", module: withCustomSection(module, "test.version", Buffer.from([version])), config },
    ];
    return sidecarBootstrap({ workload: "web", labels: { app: "web" } }, [
      { direction: "INBOUND", port: ports.http1, upstreamPorts: [app.port], plugins },
      { direction: "INBOUND", port: ports.http2, upstreamPorts: [app2.port], http2: true, plugins },
    ]);
  };
  const filters: SwappableFilters = await swappableFilters(bootstrap(0), folder);
  const envoy = await startEnvoy(filters.bootstrap, { concurrency });
  resources.defer(() => envoy.stop());
  await envoy.live();
  const reloads = async () => {
    const stats = await envoy.get("/stats?filter=extension_config_discovery.*config_reload$");
    return [...stats.matchAll(/: (\d+)/g)].map(([, count]) => Number(count));
  };
  let version = 0;
  return {
    ...{ envoy, ports },
    async swap() {
      version++;
      await filters.swapTo(bootstrap(version % 3));
      const isLive = async () => (await reloads()).filter((count) => count > version).length === filters.count;
      await envoy.waitFor(isLive, `swap ${version}`, { deadlineMs: 60_000 });
    },
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
function startLoad({ ports }: Sidecar, answered: Answered): { stop(): Promise<readonly unknown[]> } {
  const lost: unknown[] = [];
  let isOver = false;
  let next = 0;
  const work = async (ask: (host: string) => Promise<unknown>): Promise<void> => {
    while (!isOver) {
      const host = hosts[next++ % hosts.length] ?? "";
      const answer = await ask(host).catch(String);
      if (isDeepStrictEqual(answer, [200, host])) count(answered, host);
      else lost.push(answer);
    }
  };
  const overHttp1 = async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    await work((host) => http1(ports.http1, { host, agent })).finally(() => agent.destroy());
  };
  const overHttp2 = async () => {
    const session = http2.connect(`http://127.0.0.1:${ports.http2}`);
    const ask = (host: string) => http2Call(session, host);
    await Promise.all([work(ask), work(ask)]).finally(() => session.destroy());
  };
  const all = Promise.all([overHttp1(), overHttp1(), overHttp1(), overHttp2(), overHttp2()]);
  return {
    async stop() {
      isOver = true;
      await all;
      return lost;
    },
  };
}

async function http1(port: number, { host, agent, path = "/" }: { host: string; agent?: Agent; path?: string }) {
  const { status, body } = await call({ host: "127.0.0.1", port, path, headers: { host }, ...(agent && { agent }) });
  return [status, body];
}

async function http2Call(session: http2.ClientHttp2Session, host: string): Promise<unknown> {
  const stream = session.request({ ":authority": host });
  const [[headers], body] = await Promise.all([once(stream, "response"), text(stream)]);
  return [headers[":status"], body];
}

/** Requests answered with 200 that Envoy has counted, by host. */
async function counted(envoy: TestEnvoy): Promise<Answered> {
  const counts: Answered = new Map();
  for (const { labels, value } of await samples(envoy, "istio_requests_total")) {
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
  const isEnough = async () => sum(await counted(envoy)) >= sum(answered);
  await until(isEnough, "all requests to be counted", { deadlineMs: 10_000 }).catch(() => {});
  expect(sorted(await counted(envoy))).toEqual(sorted(answered));
}

test.each([1, 4])(
  "swaps of the module under load, with %i workers, lose no request and no count",
  async (concurrency) => {
    const sidecar = await startSidecar(await filterModule("telemetry"), concurrency);
    const answered: Answered = new Map();
    const load = startLoad(sidecar, answered);
    await until(() => answered.size === hosts.length, "all hosts to be asked");
    for (let swap = 0; swap < 4; swap++) {
      const before = sorted(answered);
      await sidecar.swap();
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
      await sidecar.swap();
      sidecar.release();
      expect(await open).toEqual([200, host]);
      count(answered, host);
      await expectCounted(envoy, answered);
    }
    await sidecar.swap();
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
  await sidecar.swap();
  await expectCounted(envoy, answered);
});
