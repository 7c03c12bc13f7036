// What one budget costs that four workers share: processor time of a call, and how often a write has to be done again.
import { freePort, startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { type Chain, filterBootstrap } from "../support/filter-envoy.ts";
import { filterModule } from "../support/filter-module.ts";
import { Client } from "./bench/client.ts";
import { cpuNs } from "./bench/envoy.ts";
import type { Measurement } from "./figures.ts";

const workers = 4;
const rounds = 10;
const perRound = 4800;

export const retryContention: Measurement = async (resources) => {
  const plugin = { name: "retry-budget", module: await filterModule("retry-budget") };
  const answers = { direction: "INBOUND", port: await freePort(), upstreamPorts: [], plugins: [] } as const;
  const direct = { match: { prefix: "/" }, direct_response: { status: 200 } };
  const start = async (plugins: Chain["plugins"]) => {
    const port = await freePort();
    const cluster = `outbound|${port}`;
    const route = {
      match: { prefix: "/" },
      route: { cluster },
      response_headers_to_remove: ["x-envoy-upstream-service-time"], // all responses have one length
    };
    const chain = { direction: "OUTBOUND", port, upstreamPorts: [answers.port], plugins, routes: [route] } as const;
    const envoy = await startEnvoy(filterBootstrap([chain]), { concurrency: workers });
    resources.defer(() => envoy.stop());
    await envoy.live();
    const client = await Client.open(port, false);
    resources.defer(async () => client.close());
    return { envoy, client, us: [] as number[] };
  };
  const server = await startEnvoy(filterBootstrap([{ ...answers, routes: [direct] }]), { concurrency: 2 });
  resources.defer(() => server.stop());
  await server.live();
  const [without, with_] = [await start([]), await start([plugin])];
  for (let round = 0; round <= rounds; round++)
    for (const { envoy, client, us } of [without, with_]) {
      const before = cpuNs(envoy.pid);
      await client.ask(perRound);
      if (round > 0) us.push((cpuNs(envoy.pid) - before) / 1000 / perRound);
    }
  const how = `all threads of an Envoy with ${workers} workers and 16 connections, ${perRound} calls a time`;
  return [
    { what: "a call, without the filter", samples: without.us, unit: "µs", how },
    { what: "a call, with the filter", samples: with_.us, unit: "µs", how: "by turns with it" },
    {
      what: "writes done again, of a million",
      samples: [(1e6 * (await conflicts(with_.envoy))) / ((rounds + 1) * perRound)],
      unit: "",
      how: "retry_budget_conflicts_total; each call is one write",
    },
  ];
};

function conflicts(envoy: TestEnvoy): Promise<number> {
  return envoy.stat("wasmcustom.retry_budget_conflicts_total");
}
