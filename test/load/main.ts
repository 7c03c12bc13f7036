// npm run measure [-- --cold] [-- name...]: measures what Sluice promises, and prints a Markdown table. What needs a
// Kubernetes API server, or draws what a README shows, is measured where it is named: npm run measure:kube.
import { join } from "node:path";
import { argv, exit, stderr, stdout } from "node:process";
import { parseArgs } from "node:util";
import { attributeCost } from "./attributes.ts";
import { deadlines } from "./deadline.ts";
import { type Figure, type Measurement, tableOf } from "./figures.ts";
import { freshClone, freshCloneCold } from "./fresh-clone.ts";
import { applied } from "./kube-apply.ts";
import { podsCreated } from "./kube-pods.ts";
import { scale } from "./kube-scale.ts";
import { latency } from "./latency.ts";
import { longRun } from "./long-run.ts";
import { machine } from "./machine.ts";
import { moduleSizes } from "./module-sizes.ts";
import { oneChange } from "./one-change.ts";
import { resilienceCost } from "./resilience-cost.ts";
import { retryComparison } from "./retry-comparison.ts";
import { retryContention } from "./retry-contention.ts";
import { retryTiers } from "./retry-tiers.ts";
import { useScratch } from "./scratch.ts";
import { sourceToTraffic } from "./source-to-traffic.ts";
import { swapsUnderLoad } from "./swaps.ts";
import { telemetryCost } from "./telemetry.ts";
import { tracingCost } from "./tracing.ts";
import { yamlToAck } from "./yaml-to-ack.ts";

const measurements: Readonly<Record<string, Measurement>> = {
  sizes: moduleSizes,
  memory: longRun,
  attributes: attributeCost,
  telemetry: telemetryCost,
  tracing: tracingCost,
  resilience: resilienceCost,
  yaml: yamlToAck,
  source: sourceToTraffic,
  swaps: swapsUnderLoad,
  change: oneChange,
  latency,
  deadline: deadlines,
  clone: freshClone,
  cold: freshCloneCold,
  "retry-budget": retryComparison,
  "retry-tiers": retryTiers,
  "retry-contention": retryContention,
  "kube-apply": applied,
  "kube-pods": podsCreated,
  "kube-scale": scale,
};

const { values, positionals } = parseArgs({
  args: argv.slice(2),
  options: { cold: { type: "boolean" } },
  allowPositionals: true,
});
const usual = Object.keys(measurements).filter(
  (name) => !/^(kube|retry)-/.test(name) && (name !== "cold" || values.cold),
);
const chosen = positionals.length > 0 ? positionals : usual;
const unknown = chosen.filter((name) => measurements[name] === undefined);
if (unknown.length > 0) {
  stderr.write(`unknown: ${unknown.join(", ")}; there are ${Object.keys(measurements).join(", ")}\n`);
  exit(2);
}

useScratch();

let resources = new AsyncDisposableStack();
let interrupted: Promise<void> | undefined;
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    interrupted = resources.disposeAsync().finally(() => exit(130));
  });

const about = machine(join(import.meta.dirname, "..", ".."));
const figures: Figure[] = [];
let failed = false;
for (const name of chosen) {
  stderr.write(`measuring ${name}\n`);
  resources = new AsyncDisposableStack();
  try {
    figures.push(...((await measurements[name]?.(resources)) ?? []));
  } catch (error) {
    stderr.write(`${name}: ${error instanceof Error ? error.message : error}\n`);
    failed = true;
  } finally {
    await interrupted; // which exits
    await resources.disposeAsync();
  }
}
stdout.write(`${about}\n\n${tableOf(figures)}\n`);
exit(failed ? 1 : 0);
