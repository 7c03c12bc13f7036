// Retries of three tiers multiply: three Envoys in a row, an application behind the last that always fails, and at each hop
// the same limit of retries.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { type Chain, filterBootstrap } from "../support/filter-envoy.ts";
import { startUpstream } from "../support/upstream.ts";
import type { Measurement } from "./figures.ts";
import { plot } from "./plot.ts";
import { retryLimits } from "./retry-limits.ts";
import { Timeline } from "./timeline.ts";

const perSecond = 6;
const seconds = 10;

export const retryTiers: Measurement = async (resources) => {
  const tiers: [Chain[], Chain[], Chain[]] = [[], [], []];
  const lanes = [];
  for (const { name, chain } of await retryLimits()) {
    const application = await startUpstream((_, response) => void response.writeHead(503).end());
    resources.defer(() => application.stop());
    let port = application.port;
    const hops = [];
    for (const tier of tiers.toReversed()) {
      const hop = await chain(port);
      tier.push(hop);
      hops.unshift(hop);
      port = hop.port;
    }
    lanes.push({ name, application, hops, port, timeline: new Timeline(seconds) });
  }
  const envoys: TestEnvoy[] = [];
  for (const chains of tiers) {
    const envoy = await startEnvoy(filterBootstrap(chains));
    resources.defer(() => envoy.stop());
    await envoy.live();
    envoys.push(envoy);
  }
  await Promise.all(lanes.map(({ port, timeline }) => timeline.run(port, () => perSecond)));
  const bars = [];
  for (const { name, application, hops, timeline } of lanes) {
    const calls = timeline.calls.reduce((sum, count) => sum + count);
    const arrived = await Promise.all(
      hops.slice(1).map(({ port }, i) => envoys[i + 1]?.stat(`http.outbound|${port}.downstream_rq_total`)),
    );
    bars.push({ name, values: [...arrived, application.seen.length].map((count = 0) => count / calls) });
  }
  const title = "Three tiers that retry, an application that fails: requests for each call";
  const groups = ["second tier", "third tier", "application"];
  const file = join(import.meta.dirname, "..", "..", "docs", "retry-budget-tiers.svg");
  await writeFile(file, plot(title, [{ title: "requests that arrive, for each call at the edge", groups, bars }]));
  return bars.flatMap(({ name, values }) =>
    values.map((value, i) => ({
      ...{ what: `tiers, ${name}: requests a call, ${groups[i]}`, samples: [value], unit: "" },
      how: `${perSecond} calls a second at the edge for ${seconds} s, all of which fail`,
    })),
  );
};
