import type { Sha256 } from "../model/wasm-plugin.ts";
import { shortDigest } from "./digest.ts";
import { type Condition, count } from "./plugin-conditions.ts";
import type { PluginStatus } from "./plugin-status.ts";
import { info, type StatusLine } from "./status-line.ts";

/**
 * What became of the plugins. A refusal is told where it happens, so only arrival, departure, loss of the newest version
 * and a plugin that runs nowhere are told here.
 */
export function pluginLines(before: readonly PluginStatus[], after: readonly PluginStatus[]): readonly StatusLine[] {
  const old = new Map(before.map((status) => [nameOf(status), status]));
  const now = new Set(after.map(nameOf));
  const gone = before
    .filter((status) => !now.has(nameOf(status)) && status.live.length > 0)
    .map((status) => info(`plugin ${nameOf(status)} detached`));
  return [...gone, ...after.flatMap((status) => lineOf(old.get(nameOf(status)), status))];
}

function lineOf(before: PluginStatus | undefined, after: PluginStatus): readonly StatusLine[] {
  const name = nameOf(after);
  const programmed = conditionOf(after, "Programmed");
  const degraded = conditionOf(after, "Degraded");
  const was = before && conditionOf(before, "Programmed");
  const wasDegraded = before && conditionOf(before, "Degraded");
  const lines: StatusLine[] = [];
  const isNews = was?.status !== "True" || before?.digest !== after.digest || (before?.matched ?? 0) < after.matched;
  if (programmed?.status === "True" && isNews && after.digest !== undefined)
    lines.push(info(`plugin ${name} live on ${count(after.matched, after.matched)} ${digests(before, after.digest)}`));
  const isLoss = degraded?.reason === "LastGoodInForce" || degraded?.reason === "NoModule";
  if (isLoss && wasDegraded?.reason !== degraded.reason)
    lines.push({ level: "warn", text: `plugin ${name}: ${degraded.message}` });
  return lines;
}

function digests(before: PluginStatus | undefined, digest: Sha256): string {
  const replaced = (before?.live ?? []).map((one) => one.digest).filter((old) => old !== digest);
  const was = replaced.length === 0 ? "" : ` (was ${replaced.map(shortDigest).join(", ")})`;
  return `at digest ${shortDigest(digest)}${was}`;
}

function conditionOf({ conditions }: PluginStatus, type: Condition["type"]): Condition | undefined {
  return conditions.find((condition) => condition.type === type);
}

/** `shop/cart-budget` */
function nameOf({ ref }: PluginStatus): string {
  return `${ref.namespace}/${ref.name}`;
}
