import type { WrittenStatus } from "../model/written-status.ts";

/** Whether a status counts fewer proxies than the one before it, of the same generation, and says nothing that is new. */
export function isOnlyFewer(before: WrittenStatus, after: WrittenStatus): boolean {
  const [was, is] = [gist(before), gist(after)];
  const isNews =
    was.generation !== is.generation ||
    was.accepted !== is.accepted ||
    (was.degraded !== "True" && is.degraded === "True") ||
    was.counts.some((count, i) => count < (is.counts[i] ?? 0)) ||
    is.warnings.some((warning) => !was.warnings.includes(warning));
  return !isNews && was.counts.some((count, i) => count > (is.counts[i] ?? 0));
}

function gist({ observedGeneration, conditions = [], proxies }: WrittenStatus) {
  const accepted = conditions.find(({ type }) => type === "Accepted");
  return {
    generation: observedGeneration,
    accepted: accepted?.status,
    warnings: (accepted?.message ?? "").split("\n").filter((line) => line !== ""),
    degraded: conditions.find(({ type }) => type === "Degraded")?.status,
    counts: proxies ? [proxies.matched, proxies.acknowledged, proxies.refused] : [],
  };
}
