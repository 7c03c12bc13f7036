// Runs scripts on the host, and says what can be seen in the words in which the Envoy runner does.
import { toArray } from "../../sdk/host/bytes.ts";
import {
  type ClusterInit,
  ConfigRefused,
  type ConnectOptions,
  EnvoyBug,
  Host,
  type PluginInit,
  type RequestInit,
  type Stream,
  type StreamOptions,
  type UpstreamAttempt,
} from "../../sdk/host/index.ts";
import type { LogLine } from "../../sdk/host/log.ts";
import type { Seen } from "./connections.ts";
import { playOnHost } from "./host-connection.ts";
import { HostUpstream, headersInit, linesOf } from "./host-upstream.ts";
import { bug, countText, flagsText, histogramOf, metricLine, nothing, textOf } from "./observation.ts";
import { pluginsOf, type ScriptPlugin, swapped } from "./plugins.ts";
import type { Addresses, ClusterName, Logged, Observation, Reply, RequestScript, Script, Swap } from "./script.ts";
import {
  accessLogState,
  closedAddress,
  clusterMetadata,
  endpointMetadata,
  filterChain,
  gatewayNode,
  locality,
  metadata,
  node,
  pluginName,
  reloadBackOffMs,
  tcpCluster,
  virtualHost,
} from "./world.ts";

/** Virtual time after which a request that is not over never will be. */
const advancesMax = 10_000;

/**
 * What can be seen of a script on the host.
 *
 * @param addresses those that the script met on Envoy
 * @throws {NotEmulated} if the host does not do yet what the script does
 */
export async function runOnHost(script: Script, addresses: Addresses): Promise<Observation> {
  try {
    return await run(script, addresses);
  } catch (error) {
    if (error instanceof EnvoyBug) return bug;
    if (error instanceof ConfigRefused) return { ...nothing, refusal: refusalOf(error), main: logOf(error.logs).main };
    throw error;
  }
}

async function run(script: Script, addresses: Addresses): Promise<Observation> {
  const host = await Host.load(await initsOf(script, addresses), {
    node: script.node === "gateway" ? gatewayNode : node,
    listener: {
      ...{ direction: script.direction ?? "outbound", metadata: metadata("listener"), filterChain },
      grpcStats: script.grpcStats ?? false,
    },
  });
  const upstream = new HostUpstream(host, script);
  const replies: Reply[] = [];
  const connections: Seen[] = [];
  let current = script;
  for (const request of script.connections ? [] : (script.requests ?? [{}])) {
    const { swap, after } = request;
    if (after !== undefined) waitForLines(host, upstream, after);
    if (swap !== undefined) current = swapped(current, swap);
    const inits = await initsOf(current, addresses);
    passBackOff(host, inits);
    const replace = async () => await (swap && swapPlugins(host, inits, swap));
    if (swap?.when !== "in flight") await replace();
    const whileInFlight = swap?.when === "in flight" ? replace : undefined;
    replies.push(await play(host, { script, request, addresses, upstream, whileInFlight }));
  }
  for (const moves of script.connections ?? []) {
    passBackOff(host, await initsOf(script, addresses));
    const pass = (count: number, what: string) => {
      upstream.answerGrpc();
      wait(host, count, what);
    };
    connections.push(playOnHost(host, moves, connectOptions(script, addresses), pass));
  }
  if (script.until !== undefined) waitForLines(host, upstream, script.until);
  const hostcalls = script.module ? hostcallsOf(host) : [];
  return { replies, connections, attempts: upstream.arrived, ...logOf(host.logs), metrics: metricsOf(host), hostcalls };
}

/** As on Envoy, or more. */
function passBackOff(host: Host, inits: readonly PluginInit[]): void {
  if (inits.some(({ failurePolicy }) => failurePolicy === "FAIL_RELOAD")) host.advance("10ms");
}

async function initsOf(script: Script, { vmId }: Addresses): Promise<PluginInit[]> {
  return await Promise.all(pluginsOf(script, vmId).map(initOf));
}

async function initOf({ place, rootId, options, vmId, module }: ScriptPlugin): Promise<PluginInit> {
  const { vm: _vm, when, share, reloadBackOffMs: backOffMs = reloadBackOffMs, ...rest } = options;
  return {
    ...{ ...rest, rootId, vmId, name: pluginName, module: await module(), reloadBackOff: `${backOffMs}ms` },
    ...(when && { when: (headers) => headers.get(when[0]) === when[1] }),
    ...(share !== undefined && { when: (headers) => share === 100 && headers.has("x-request-id") }),
    ...(place === "access log" && { accessLogger: true }),
    ...(place === "upstream" && { upstream: "only" }),
  };
}

async function swapPlugins(host: Host, inits: readonly PluginInit[], { isRefused = false }: Swap): Promise<void> {
  const refusal = await host.replace(inits).catch((error: unknown) => error);
  if (refusal instanceof ConfigRefused !== isRefused) throw refusal ?? new Error("the swap was not refused");
}

/** In Envoy's words: without the host's advice, and traps only where the log has them. */
function refusalOf({ stage, problems }: ConfigRefused): string[] {
  if (stage === "start") return ["Failed to start base Wasm"];
  if (problems[0]?.startsWith("Unable to create Wasm plugin")) return [];
  if (stage === "configure") return ["Failed to configure base Wasm plugin"];
  const said = problems.filter((problem) => !problem.startsWith("Function:"));
  return said.map((problem) => problem.replace(/; .*$|(?<=^Failed to parse corrupted Wasm module): .*$/s, ""));
}

interface Play {
  readonly script: Script;
  readonly request: RequestScript;
  readonly addresses: Addresses;
  readonly upstream: HostUpstream;
  /** When the upstream has the request. */
  readonly whileInFlight?: (() => Promise<void>) | undefined;
}

async function play(host: Host, { script, request, addresses, upstream, whileInFlight }: Play): Promise<Reply> {
  const stream = host.stream(requestOf(request), streamOptions(script, addresses));
  const { body = [], trailers = [] } = request;
  const first = stream.attempt();
  for (const chunk of body) stream.sendBody(toArray(chunk));
  if (trailers.length > 0) stream.sendTrailers(headersInit(trailers));
  else if (body.length > 0) stream.sendBody("", { endStream: true });
  const seen = new Set<UpstreamAttempt>();
  for (let i = 0; !stream.isOver; ) {
    upstream.answerGrpc();
    const attempt = stream.attempt();
    if (attempt === undefined || seen.has(attempt) || !(attempt.isComplete || script.cluster === "closed")) {
      wait(host, i++, `the request of ${script.title}`);
      continue;
    }
    seen.add(attempt);
    await whileInFlight?.();
    if (script.cluster === "closed") attempt.reset("connection-failure");
    else if (upstream.answer(attempt) === "nothing" && request.leaves) stream.disconnect();
  }
  if (first !== undefined && !seen.has(first) && script.cluster !== "closed") upstream.note(first);
  return replyOf(stream, script);
}

function waitForLines(host: Host, upstream: HostUpstream, lines: Logged): void {
  const [text, times] = typeof lines === "string" ? [lines, 1] : lines;
  for (let i = 0; host.logs.filter((line) => line.text.includes(text)).length < times; i++) {
    upstream.answerGrpc();
    wait(host, i, text);
  }
}

function wait(host: Host, count: number, what: string): void {
  if (count > advancesMax) throw new Error(`${what} did not come to its end in ${count * 10} ms`);
  host.advance("10ms");
}

function requestOf({
  headers = [],
  body = [],
  trailers = [],
  leaves: _leaves,
  swap: _swap,
  after: _after,
  ...rest
}: RequestScript): RequestInit {
  return { ...rest, headers: headersInit(headers), endStream: body.length === 0 && trailers.length === 0 };
}

function connectOptions({ cluster = "open" }: Script, { source, destination, tcpUpstream }: Addresses): ConnectOptions {
  const address = cluster === "closed" ? closedAddress : tcpUpstream;
  return {
    isRefused: cluster === "closed",
    cluster: clusterOf(cluster, cluster === "open" ? tcpCluster : cluster, address),
    connection: { source, destination },
  };
}

function clusterOf(kind: ClusterName, name: string, address: string): ClusterInit | null {
  if (kind === "unknown") return null;
  return {
    name,
    metadata: clusterMetadata(name),
    ...(kind === "full" && { overflow: "requests" }),
    ...(kind === "no-retries" && { overflow: "retries" }),
    endpoints: kind === "none" ? [] : [{ address, locality, metadata: endpointMetadata(name) }],
  };
}

function streamOptions(
  { route = {}, cluster = "open", protocol = "HTTP/2" }: Script,
  addresses: Addresses,
): StreamOptions {
  const address = cluster === "closed" ? closedAddress : addresses.upstream;
  return {
    route: route && {
      ...route,
      timeoutMs: route.timeoutMs ?? 0,
      virtualHost,
      metadata: metadata("route"),
      virtualHostMetadata: metadata("virtual host"),
    },
    cluster: clusterOf(cluster, cluster, address),
    connection: { source: addresses.source, destination: addresses.destination, protocol },
  };
}

function replyOf({ reply }: Stream, { protocol }: Script): Reply {
  return {
    headers: linesOf(reply.headers),
    body: textOf(reply.body),
    trailers: reply.trailers && protocol !== "HTTP/1.1" ? linesOf(reply.trailers) : [],
    isCut: reply.isCut,
    details: reply.details,
    flags: flagsText(reply.flags),
    left: reply.filterState.get(accessLogState) ?? "",
  };
}

function metricsOf({ metrics }: Host): string[] {
  const valuesOf = (name: string): string[] => {
    const samples = metrics.histogram(name);
    const numbers = [metrics.counter(name), metrics.gauge(name)].filter((value) => value !== undefined).map(String);
    // Of several metrics of one name Envoy's page has the last.
    return [...numbers, ...(samples === undefined ? [] : [histogramOf(samples)])].slice(-1);
  };
  const names = [...new Set(metrics.names)];
  return names.flatMap((name) => valuesOf(name).map((value) => metricLine(name, value))).sort();
}

function hostcallsOf({ hostcalls }: Host): string[] {
  return countText(Object.entries(hostcalls.byName).flatMap(([name, times]) => new Array<string>(times).fill(name)));
}

function logOf(lines: readonly LogLine[]): { readonly main: string[]; readonly worker: string[] } {
  const texts = (ofWorker: boolean) =>
    lines
      .filter(({ thread }) => (typeof thread === "number") === ofWorker)
      .map(({ level, text }) => `${level} ${textOf(text)}`);
  return { main: texts(false), worker: texts(true) };
}
