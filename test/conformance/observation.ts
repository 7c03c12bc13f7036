// The one place where what must differ from run to run is taken out of an observation.
import type { Pair } from "../../sdk/host/pairs.ts";
import type { Observation } from "./script.ts";

const replacements: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g, "<uuid>"],
  [/\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT/g, "<date>"],
  [/(x-envoy-(?:expected-rq-timeout-ms|upstream-service-time)"?: "?)\d+/g, "$1<ms>"],
  [/(expr_create \w+ error: ).*/s, "$1<why>"], // another parser says it in other words
  [/(queue_ready\(\d+, )\d+/g, "$1<queue>"], // queues are numbered over the whole process
];

/** Headers in which the deadline filter tells what is left. */
const timeLeft = /^((?:x-request-timeout-ms|x-left|grpc-timeout): )(\d{5,})([num]?)$/;

export const nothing: Observation = {
  ...{ replies: [], connections: [], attempts: [], main: [], worker: [], metrics: [], hostcalls: [] },
};

/** Envoy crashed, or reported a bug of its own. */
export const bug: Observation = { ...nothing, bug: true };

/** A text without request ids, dates, times measured by Envoy and numbers of queues. */
export function textOf(text: string): string {
  return replacements.reduce((done, [pattern, by]) => done.replace(pattern, by), text);
}

/** `name: value`; bytes that are not ASCII as \xNN, and of a time that is left its form and a window. */
export function headerLines(pairs: readonly Pair[]): string[] {
  return pairs.map(([name, value]) =>
    textOf(`${name}: ${value}`.replace(/[^ -~]/g, escaped)).replace(timeLeft, windowOf),
  );
}

/** How many digits of which unit, and the next whole 10 s: what a script gives is whole, and less than that passes on Envoy. */
function windowOf(_: string, name: string, digits: string, unit: string): string {
  const tenSeconds = { n: 1e10, u: 1e7 }[unit] ?? 10_000;
  return `${name}<${digits.length} digits${unit && ` of ${unit}`}, at most ${Math.ceil(Number(digits) / tenSeconds) * 10} s>`;
}

/** Response flags, sorted: Envoy's own order follows no rule. */
export function flagsText(flags: readonly string[]): string {
  return flags
    .filter((flag) => flag !== "-")
    .sort()
    .join(",");
}

/** A metric's line. Of a duration only the number of samples is the same in every run. */
export function metricLine(name: string, value: string): string {
  return `${name}: ${name.endsWith("_milliseconds") ? value.replace(/^.* /, "") : value}`;
}

/** Samples of a histogram below these bounds: what both hosts can say of it. */
const bounds = [0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];

/** Envoy's text of a metric's value: `B0.5(0,0) B1(0,1)` is the count of samples, in the last interval and ever. */
export function histogramText(value: string): string {
  if (value === "No recorded values") return histogramOf([]);
  if (!value.startsWith("B")) return value;
  const counts = new Map(
    [...value.matchAll(/B([\d.]+)\(\d+,(\d+)\)/g)].map(([, bound, count]) => [Number(bound), count]),
  );
  return bounds.map((bound) => `${bound}:${counts.get(bound)}`).join(" ");
}

/** The same of samples, of which Envoy keeps two digits. */
export function histogramOf(samples: readonly number[]): string {
  const kept = samples.map((sample) => {
    const unit = 10 ** Math.max(0, Math.floor(Math.log10(sample)) - 1);
    return Math.floor(sample / unit) * unit;
  });
  return bounds.map((bound) => `${bound}:${kept.filter((sample) => sample <= bound).length}`).join(" ");
}

/** `name: times`. @param calls names, once for each call */
export function countText(calls: readonly string[]): string[] {
  const times = unsteady.filter(({ by }) => calls.includes(by)).flatMap(({ names }) => names);
  const counted = calls.filter((name) => !times.includes(name));
  return [...new Set(counted)].sort().map((name) => `${name}: ${counted.filter((one) => one === name).length}`);
}

/** Calls whose number depends on threads and time where a plugin makes the first one: it hears of other VMs' metrics, or ticks. */
const unsteady: readonly { readonly by: string; readonly names: readonly string[] }[] = [
  {
    by: "proxy_register_shared_queue",
    names: ["proxy_dequeue_shared_queue", "proxy_get_shared_data", "proxy_define_metric"],
  },
  {
    by: "proxy_set_tick_period_milliseconds",
    names: ["proxy_set_tick_period_milliseconds", "proxy_set_effective_context", "clock_time_get"],
  },
];

function escaped(char: string): string {
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
