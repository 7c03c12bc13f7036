// What Envoy's threads take for a request that filters see, beside the same Envoy without them: by turns, a connection each.
import { Agent } from "node:http";
import { startSidecar } from "../envoy/telemetry-fixture.ts";
import { freePort } from "../support/envoy.ts";
import type { Chain } from "../support/filter-envoy.ts";
import { call } from "../support/http.ts";
import { startUpstream } from "../support/upstream.ts";
import { cpuNs } from "./bench/envoy.ts";
import { type Figure, percentile } from "./figures.ts";

const turns = 20;
const requests = 500;

/** One Envoy, and what is asked of it. */
export interface Way {
  readonly what: string;
  /** What sets its only listener apart. Default: outbound, without plugins. */
  readonly chain?: Partial<Chain>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Some 3 s a way. @returns what a request of the first way takes, and how much more each of the others */
export async function filterCost(
  ways: readonly [Way, ...Way[]],
  resources: AsyncDisposableStack,
): Promise<readonly Figure[]> {
  const peer = await startUpstream((_, response) => response.end("ok"));
  resources.defer(() => peer.stop());
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  resources.defer(async () => agent.destroy());
  const envoys = await Promise.all(
    ways.map(async ({ what, chain, headers = {} }) => {
      const port = await freePort();
      const whole: Chain = { direction: "OUTBOUND", port, upstreamPorts: [peer.port], plugins: [], ...chain };
      const envoy = await startSidecar({ workload: "web", labels: { app: "web" } }, [whole]);
      resources.defer(() => envoy.stop());
      const target = { host: "127.0.0.1", port, agent, headers: { host: "catalog.shop", ...headers } };
      return { what, target, pid: envoy.pid, samples: [] as number[] };
    }),
  );
  for (let turn = -1; turn < turns; turn++) {
    for (const { target, pid, samples } of envoys) {
      const before = cpuNs(pid);
      for (let n = 0; n < requests; n++) await call(target);
      if (turn >= 0) samples.push((cpuNs(pid) - before) / requests / 1000); // the first turn opens connections
    }
  }
  const how = `CPU of Envoy's threads for a request, ${requests} in each of ${turns} turns; the lower quartile`;
  const [base = 0, ...others] = envoys.map(({ samples }) => percentile(samples, 25));
  const figure = (what: string, sample: number): Figure => ({ what, samples: [sample], unit: "µs", how });
  return [figure(ways[0].what, base), ...others.map((cost, i) => figure(`more: ${ways[i + 1]?.what}`, cost - base))];
}
