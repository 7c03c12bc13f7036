// Runs random cases on filters: none may trap, and memory may not grow with them.
import fc from "fast-check";
import { filterModule, sourceModule } from "../../../test/support/filter-module.ts";
import { ConfigRefused, Host, type HostOptions } from "../../host/index.ts";
import { inspectModule } from "../../module/inspect.ts";
import { connect, visit, visits } from "../everything.ts";
import { type Case, casesOf, casesOfConnections, casesOfEverything, plan, type Vocabulary } from "./arbitraries.ts";
import { deadlineConfigs, retryBudgetConfigs, telemetryConfigs } from "./configurations.ts";

/** What is tried. */
export interface Subject {
  readonly name: string;
  readonly cases: fc.Arbitrary<Case>;
  /** So much memory may its VM have, whatever came, in pages of 64 KiB: what 15,000 cases took, at most doubled. */
  readonly pagesMax: number;
  load(): Promise<Host>;
  /** Its module, for a configuration that changes. */
  readonly module: Uint8Array;
  readonly options: HostOptions;
}

/** The cluster that filters call. */
const service = "service";

/** What the host does not know by itself. */
const properties = { "upstream.uri_san_peer_certificate": "", "upstream.uri_san_local_certificate": "" };

export async function subjects(): Promise<readonly Subject[]> {
  const everything = await sourceModule("sdk/assembly/testing/everything.ts");
  const all = {
    headers: ["x-text", "x-many", "x-added", "x-bytes", ":path", "content-type", "content-length"],
    fields: ["window", "level", "on", "word", "header", "names", "labels", "rules", "inner"],
    hostcalls: hostcallsOf(everything),
  };
  const paths = visits.map(({ path }) => path);
  const network = await filterModule("telemetry");
  const outbound: HostOptions = { upstream: true, listener: { direction: "outbound", grpcStats: true } };
  const inbound: HostOptions = { upstream: true, listener: { direction: "inbound", grpcStats: true } };
  const node = { metadata: { STAT_TAGS: "tenant" } };
  return [
    subject(
      "everything",
      everything,
      casesOfEverything(all, paths),
      { upstream: true, environment: { HOME: "/home" } },
      128,
    ),
    subject("everything, TCP", everything, casesOfConnections(all), { rootId: "network" }, 64),
    await filter("hello", { headers: ["x-hello"], fields: ["greeting"] }, {}, 1),
    await filter("retry-budget", retryBudget, outbound, 128), // of its destinations
    await filter("retry-budget", retryBudget, inbound, 128), // which alone reads attempt counts and stamps
    await filter("deadline", deadline, outbound, 4),
    await filter("deadline", deadline, inbound, 4),
    await filter("telemetry", telemetry, { ...outbound, node }, 256), // of its thousand series, whose values are long
    await filter("telemetry", telemetry, { ...inbound, node }, 256),
    subject(
      "telemetry, TCP",
      network,
      casesOfConnections({ ...telemetry, hostcalls: hostcallsOf(network) }),
      { rootId: "network", node },
      256,
    ),
    ...(await examples()),
  ];
}

/** Those of examples/filters; hello is a subject already. */
async function examples(): Promise<readonly Subject[]> {
  const logger = await filterModule("tcp-logger");
  const who = { headers: ["x-consumer", ":path", ":method"], fields: ["by", "cluster", "path"] };
  const body = { headers: ["content-type", "content-length", "accept-encoding"], fields: ["remove", "digits"] };
  return [
    await filter("json-rewrite", body, { config: { remove: ["a", "b.c"] } }, 256),
    await filter("redact-numbers", body, { config: { digits: 1 } }, 256),
    await filter("canary", { headers: ["x-user", "x-version"], fields: ["percent", "by", "header"] }, {}, 256),
    await filter(
      "rate-limit",
      { ...who, fields: ["requests", "per", "burst", "by"] },
      { config: { by: "x-consumer" } },
      256,
    ),
    await filter("api-key", { ...who, headers: ["x-api-key"] }, { config: { cluster: service } }, 256),
    await filter("grpc-quota", who, { config: { cluster: service, failOpen: true } }, 256),
    await filter("audit-queue", who, { config: { sendTo: "collector" } }, 256),
    await filter("access-logger", who, { accessLogger: true, config: { cluster: service } }, 256),
    subject("tcp-logger", logger, casesOfConnections({ ...who, hostcalls: hostcallsOf(logger) }), {}, 256),
  ];
}

const retryBudget = {
  headers: ["x-envoy-attempt-count", "x-retry-budget", "x-again", "grpc-status", "content-type", "x-envoy-ratelimited"],
  fields: ["window", "percent", "minRetries", "per", "retryHeader"],
  configs: retryBudgetConfigs,
};
const deadline = {
  headers: ["x-request-timeout-ms", "grpc-timeout", "x-request-id", "traceparent", "x-at", "content-type"],
  fields: ["default", "max", "minimum", "header", "absoluteHeader", "skew", "correlate", "tick"],
  configs: deadlineConfigs,
};
const telemetry = {
  headers: ["x-envoy-peer-metadata", "x-envoy-peer-metadata-id", "grpc-status", "content-type", "x-a", ":authority"],
  fields: ["seriesMax", "metrics", "tcp_reporting_duration", "accessLog"],
  configs: telemetryConfigs,
};

async function filter(
  name: string,
  words: Omit<Vocabulary, "hostcalls">,
  options: HostOptions,
  pagesMax: number,
): Promise<Subject> {
  const module = await filterModule(name);
  return subject(name, module, casesOf({ ...words, hostcalls: hostcallsOf(module) }), options, pagesMax);
}

function subject(
  name: string,
  module: Uint8Array,
  cases: fc.Arbitrary<Case>,
  options: HostOptions,
  pagesMax: number,
): Subject {
  const load = () => Host.load(module, { logLevel: "error", ...options });
  return { name, module, cases, options, load, pagesMax };
}

function hostcallsOf(module: Uint8Array): readonly string[] {
  const names = inspectModule(module).imports.map(({ name }) => name);
  return names.length === 0 ? ["proxy_log"] : names;
}

/**
 * Tries a subject. The same seed gives the same cases.
 *
 * @throws {Error} with seed and case, shrunk, if a VM trapped or has more memory than it may have
 */
export async function fuzz(
  one: Subject,
  { seed, cases }: { readonly seed: number; readonly cases: number },
): Promise<void> {
  const batch = Math.max(10_000, cases / 10); // then the host is made anew: it keeps all log lines
  let host = await one.load();
  let done = 0;
  const property = fc.asyncProperty(one.cases, async (tried) => {
    if (++done % batch === 0) host = await one.load();
    const lines = host.logs.length;
    await run(host, one, tried);
    const trap = host.logs.slice(lines).find(({ text }) => text.includes("failed: Uncaught"));
    const pages = pagesOf(host);
    const isDead = host.logs.slice(lines).some(({ text }) => text.startsWith("Failed to "));
    const isFine = trap === undefined && pages <= one.pagesMax;
    if (isDead || !isFine) host = await one.load();
    if (isFine) return;
    throw new Error(trap?.text ?? `${one.name} has ${pages} pages of memory, and may have ${one.pagesMax}`);
  });
  await fc.assert(property, { seed, numRuns: cases });
}

/**
 * Whether the memory of a subject's VM comes to rest over the same hundred cases again and again: within 64 rounds there are 16
 * that add no page. What was kept of each case, 40 bytes or more, would add one.
 */
export async function settles(one: Subject, seed: number): Promise<boolean> {
  const host = await one.load();
  const cases = fc.sample(one.cases, { seed, numRuns: 100 });
  let pages = 0;
  let quietRounds = 0;
  for (let round = 0; round < 64 && quietRounds < 16; round++) {
    for (const each of cases) await run(host, one, each);
    quietRounds = pagesOf(host) === pages ? quietRounds + 1 : 0;
    pages = pagesOf(host);
  }
  return quietRounds === 16;
}

function pagesOf(host: Host): number {
  return host.measure(() => {}).memoryBytes / 65_536;
}

/** Does one case; a configuration may be refused. */
async function run(host: Host, { module, options }: Subject, { act, faults }: Case): Promise<void> {
  const end = plan(host, faults);
  try {
    if ("visit" in act) visit(host, act.visit);
    else if ("connect" in act) connect(host, act.connect, act);
    else if ("config" in act) await host.replace(module, { ...options, config: act.config });
    else {
      const { fetch, answers, options: said, pause } = act;
      const answerOf = (number: number) => answers[(number - 1) % answers.length] ?? { status: 200 };
      const first = answerOf(1);
      host.onHttpCall(service, () => ("reset" in first ? { fail: "reset" } : first));
      host.onGrpcCall(service, (call) => call.send(fetch.body ?? ""));
      const stream = host.stream(fetch, { ...said, properties: { ...properties, ...said.properties } });
      host.advance(pause);
      for (let attempt = stream.attempt(); attempt !== undefined; attempt = stream.attempt()) {
        const answer = answerOf(attempt.number);
        "reset" in answer ? attempt.reset(answer.reset) : attempt.respond(answer);
      }
      if (!stream.isOver) stream.disconnect(); // held, by a filter whose answer failed
    }
  } catch (error) {
    if (!(error instanceof ConfigRefused)) throw error;
  }
  end();
}
