import { fieldsOf } from "../model/raw-object.ts";
import type { WrittenCondition, WrittenStatus } from "../model/written-status.ts";
import { shortDigest } from "../status/digest.ts";
import type { ObjectStatus } from "../status/object-status.ts";
import type { Condition } from "../status/plugin-conditions.ts";
import type { PluginStatus } from "../status/plugin-status.ts";

/** Longest message of a condition, in characters: Kubernetes' own limit. */
const messageMax = 32_768;

/**
 * The status of an object as the API server shall hold it. Pure.
 *
 * What is said is about a generation: of what is in force, or, where a newer one was found wrong, of that one. But a proxy
 * never runs a generation that was found wrong, so that `kubectl wait --for=condition=Programmed` goes on waiting.
 *
 * @param seen   generation of the newest object that the source has
 * @param before as {@link readStatus} gives it: a condition that stays keeps the time of its last transition
 */
export function writtenStatus(
  status: ObjectStatus | PluginStatus,
  {
    seen,
    before,
    nowMs,
  }: { readonly seen: number | undefined; readonly before: WrittenStatus; readonly nowMs: number },
): WrittenStatus {
  const isWrong = status.conditions.some((one) => one.type === "Accepted" && one.status === "False");
  const judged = isWrong ? seen : (status.generation ?? seen);
  const known = new Map(before.conditions?.map((condition) => [condition.type, condition]));
  const write = (condition: Condition): WrittenCondition => {
    const was = known.get(condition.type);
    return {
      type: condition.type,
      status: condition.status,
      reason: condition.reason,
      message: condition.message.slice(0, messageMax),
      lastTransitionTime: was?.status === condition.status ? was.lastTransitionTime : timeText(nowMs),
      observedGeneration: condition.type === "Programmed" ? (status.generation ?? judged) : judged,
    };
  };
  return {
    conditions: status.conditions.map(write),
    observedGeneration: judged,
    proxies: undefined,
    digest: undefined,
    ...("live" in status && progressOf(status)),
  };
}

function progressOf({ live, matched, acknowledged, refused }: PluginStatus): Pick<WrittenStatus, "proxies" | "digest"> {
  return { proxies: { matched, acknowledged, refused }, digest: live[0] && shortDigest(live[0].digest) };
}

/** Reads `status` of an object, whoever wrote it, with fields in the order of {@link writtenStatus}. */
export function readStatus(value: unknown): WrittenStatus {
  const { conditions, observedGeneration, proxies, digest } = fieldsOf(value);
  const { matched, acknowledged, refused } = fieldsOf(proxies);
  return {
    conditions: (Array.isArray(conditions) ? conditions : []).map(fieldsOf).map((one) => ({
      type: String(one["type"]),
      status: one["status"] === "True" || one["status"] === "False" ? one["status"] : "Unknown",
      reason: textOf(one["reason"]),
      message: textOf(one["message"]),
      lastTransitionTime: textOf(one["lastTransitionTime"]),
      observedGeneration: numberOf(one["observedGeneration"]),
    })),
    observedGeneration: numberOf(observedGeneration),
    proxies:
      proxies === undefined
        ? undefined
        : { matched: count(matched), acknowledged: count(acknowledged), refused: count(refused) },
    digest: textOf(digest),
  };
}

export function isSameStatus(a: WrittenStatus, b: WrittenStatus): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** RFC 3339, to the second, as Kubernetes writes times. */
function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function count(value: unknown): number {
  return numberOf(value) ?? 0;
}
