// The same load through one Envoy with each limit of retries, each before a server of its own: an outage that grows from
// 0 to 100 % and ends, and a burst of more calls than the server can take.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startEnvoy } from "../support/envoy.ts";
import { filterBootstrap } from "../support/filter-envoy.ts";
import { type BusyServer, startBusyServer } from "./busy-server.ts";
import type { Figure, Measurement } from "./figures.ts";
import { type Panel, plot } from "./plot.ts";
import { type RetryLimit, retryLimits } from "./retry-limits.ts";
import { Timeline } from "./timeline.ts";

const perSecond = 40;
const capacity = 80;

interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly seconds: number;
  /** When all is as it was, and time to recover begins. */
  readonly overAt: number;
  readonly failing: (second: number) => number;
  readonly perSecond: (second: number) => number;
}

const scenarios: readonly Scenario[] = [
  {
    name: "outage",
    title: "An outage from 0 to 100 %, a quarter more every 5 s, over at 25 s",
    seconds: 35,
    overAt: 25,
    failing: (second) => (second < 25 ? Math.floor(second / 5) / 4 : 0),
    perSecond: () => perSecond,
  },
  {
    name: "burst",
    title: "A burst of three times the calls from 5 s to 8 s",
    seconds: 20,
    overAt: 8,
    failing: () => 0,
    perSecond: (second) => (second >= 5 && second < 8 ? 3 * perSecond : perSecond),
  },
];

interface Lane {
  readonly limit: RetryLimit;
  readonly server: BusyServer;
  readonly port: number;
  timeline: Timeline;
}

export const retryComparison: Measurement = async (resources) => {
  const lanes: Lane[] = [];
  const chains = [];
  for (const limit of await retryLimits()) {
    const server = await startBusyServer(capacity, (headers) => lane.timeline.countAttempt(headers));
    resources.defer(() => server.stop());
    const chain = await limit.chain(server.port);
    const lane: Lane = { limit, server, port: chain.port, timeline: new Timeline(0) };
    chains.push(chain);
    lanes.push(lane);
  }
  const envoy = await startEnvoy(filterBootstrap(chains));
  resources.defer(() => envoy.stop());
  await envoy.live();
  const figures: Figure[] = [];
  for (const scenario of scenarios) {
    await Promise.all(lanes.map((lane) => play(lane, scenario)));
    const file = join(import.meta.dirname, "..", "..", "docs", `retry-budget-${scenario.name}.svg`);
    await writeFile(file, plot(scenario.title, panels(lanes)));
    figures.push(...lanes.flatMap((lane) => figuresOf(lane, scenario)));
  }
  return figures;
};

async function play(lane: Lane, scenario: Scenario): Promise<void> {
  const timeline = new Timeline(scenario.seconds);
  lane.timeline = timeline;
  await timeline.run(lane.port, (second) => {
    lane.server.failing = scenario.failing(second);
    return scenario.perSecond(second);
  });
}

function panels(lanes: readonly Lane[]): readonly Panel[] {
  const panel = (title: string, value: (timeline: Timeline, second: number) => number): Panel => ({
    title,
    x: "seconds",
    lines: lanes.map(({ limit, timeline }) => ({
      name: limit.name,
      points: timeline.calls.map((_, second) => [second, value(timeline, second)] as const),
    })),
  });
  return [
    panel("attempts of a call that reach the server", ({ attemptsOfCalls, calls }, s) =>
      ratio(attemptsOfCalls[s], calls[s]),
    ),
    panel("calls that succeed, %", ({ successes, calls }, s) => 100 * ratio(successes[s], calls[s])),
    panel(`attempts a second; the server can do ${capacity}`, ({ attempts }, s) => attempts[s] ?? 0),
  ];
}

function figuresOf({ limit, timeline }: Lane, { name, overAt, seconds }: Scenario): readonly Figure[] {
  const { calls, successes, attemptsOfCalls: attempts } = timeline;
  const lastBad = calls.findLastIndex((count, second) => ratio(successes[second], count) < 0.95);
  const isWell = lastBad < seconds - 1;
  const row = (what: string, value: number, unit: string, how: string): Figure => ({
    ...{ what: `${name}, ${limit.name}: ${what}`, samples: [value], unit, how },
  });
  return [
    row(
      "attempts a call, most",
      Math.max(...attempts.map((count, s) => ratio(count, calls[s]))),
      "",
      "of the calls of one second",
    ),
    row("attempts a call", ratio(sum(attempts), sum(calls)), "", `of ${sum(calls)} calls`),
    row("calls that succeed", 100 * ratio(sum(successes), sum(calls)), "%", `of ${sum(calls)}`),
    row(
      "until 95 % succeed again",
      isWell ? Math.max(lastBad + 1 - overAt, 0) : Number.POSITIVE_INFINITY,
      "s",
      isWell ? "and go on to" : `not within ${seconds - overAt} s`,
    ),
  ];
}

function ratio(a = 0, b = 0): number {
  return b === 0 ? 0 : a / b;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
