// Runs scripts on the host, and says what can be seen in the words in which the Envoy runner does.
import { toArray } from "../../sdk/host/bytes.ts";
import {
  type ClusterInit,
  ConfigRefused,
  type ConnectOptions,
  EnvoyBug,
  Host,
  type RequestInit,
  type Stream,
  type StreamOptions,
  type UpstreamAttempt,
} from "../../sdk/host/index.ts";
import type { LogLine } from "../../sdk/host/log.ts";
import type { Seen } from "./connections.ts";
import { playOnHost } from "./host-connection.ts";
import { HostUpstream, headersInit, linesOf } from "./host-upstream.ts";
import { bug, flagsText, histogramOf, nothing, textOf } from "./observation.ts";
import { scriptModule } from "./probe.ts";
import type { Addresses, ClusterName, Observation, Reply, RequestScript, Script } from "./script.ts";
import { closedAddress, filterChain, metadata, node, pluginName, tcpCluster, virtualHost } from "./world.ts";

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
  const host = await Host.load(await scriptModule(script), {
    ...script.plugin,
    name: pluginName,
    ...(script.logger && { rootId: "logger", accessLogger: true }),
    upstream: script.upstream !== undefined,
    vmId: addresses.vmId,
    node,
    listener: { direction: script.direction ?? "outbound", metadata: metadata("listener"), filterChain },
    reloadBackOff: "2ms",
  });
  const upstream = new HostUpstream(host, script);
  const replies: Reply[] = [];
  const connections: Seen[] = [];
  const next = () => {
    if (script.plugin?.failurePolicy === "FAIL_RELOAD") host.advance("10ms"); // on Envoy, more than the back-off passes
  };
  for (const request of script.connections ? [] : (script.requests ?? [{}])) {
    next();
    replies.push(play(host, { script, request, addresses, upstream }));
  }
  for (const moves of script.connections ?? []) {
    next();
    const pass = (count: number, what: string) => {
      upstream.answerGrpc();
      wait(host, count, what);
    };
    connections.push(playOnHost(host, moves, connectOptions(script, addresses), pass));
  }
  const { until } = script;
  for (let i = 0; until !== undefined && !host.logs.some(({ text }) => text.includes(until)); i++) {
    upstream.answerGrpc();
    wait(host, i, until);
  }
  return { replies, connections, attempts: upstream.arrived, ...logOf(host.logs), metrics: metricsOf(host) };
}

/** In Envoy's words: without the host's advice, and traps only where the log has them. */
function refusalOf({ stage, problems }: ConfigRefused): string[] {
  if (stage === "start") return ["Failed to start base Wasm"];
  if (stage === "configure") return ["Failed to configure base Wasm plugin"];
  const said = problems.filter((problem) => !problem.startsWith("Function:"));
  return said.map((problem) => problem.replace(/; .*$|(?<=^Failed to parse corrupted Wasm module): .*$/s, ""));
}

interface Play {
  readonly script: Script;
  readonly request: RequestScript;
  readonly addresses: Addresses;
  readonly upstream: HostUpstream;
}

function play(host: Host, { script, request, addresses, upstream }: Play): Reply {
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
    if (script.cluster === "closed") attempt.reset("connection-failure");
    else if (upstream.answer(attempt) === "nothing" && request.leaves) stream.disconnect();
  }
  if (first !== undefined && !seen.has(first) && script.cluster !== "closed") upstream.note(first);
  return replyOf(stream, script);
}

function wait(host: Host, count: number, what: string): void {
  if (count > advancesMax) throw new Error(`${what} did not come to its end in ${count * 10} ms`);
  host.advance("10ms");
}

function requestOf({ headers = [], body = [], trailers = [], leaves: _leaves, ...rest }: RequestScript): RequestInit {
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

function clusterOf(kind: ClusterName, name: string, address: string): ClusterInit {
  return {
    name,
    metadata: metadata("cluster"),
    endpoints: kind === "none" ? [] : [{ address, metadata: metadata("endpoint") }],
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
  return names.flatMap((name) => valuesOf(name).map((value) => `${name}: ${value}`)).sort();
}

function logOf(lines: readonly LogLine[]): { readonly main: string[]; readonly worker: string[] } {
  const texts = (ofWorker: boolean) =>
    lines
      .filter(({ thread }) => (typeof thread === "number") === ofWorker)
      .map(({ level, text }) => `${level} ${textOf(text)}`);
  return { main: texts(false), worker: texts(true) };
}
