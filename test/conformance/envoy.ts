// Runs scripts on a real Envoy, one after another: each gets a listener of its own in place of the last one's.
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { type Caller, connect, type Received } from "./caller.ts";
import { connectHttp1 } from "./caller-http1.ts";
import type { Move, Seen } from "./connections.ts";
import { bootstrap, listener, type PlacedPlugin, slotName, slotResource } from "./envoy-config.ts";
import { playConnection } from "./envoy-connection.ts";
import { type AccessLine, EnvoyLog, logFormat } from "./envoy-log.ts";
import { bug, countText, flagsText, headerLines, histogramText, metricLine, nothing, textOf } from "./observation.ts";
import { pluginsOf, swapped } from "./plugins.ts";
import type { Addresses, Logged, NodeName, Observation, Reply, RequestScript, Script, Swap } from "./script.ts";
import { startTcpUpstream, type TcpUpstream } from "./tcp-upstream.ts";
import { startUpstream, type Upstream } from "./upstream.ts";
import { gatewayNode, node } from "./world.ts";

/** Besides those of every test's Envoy. A listener that was replaced is gone after a second, with its VMs. */
const flags = ["--log-format", logFormat, "--component-log-level", "admin:debug"].concat([
  "--file-flush-min-size-kb",
  "0",
  "--drain-time-s",
  "1",
]);

/** A script's run. */
export interface Run {
  readonly observation: Observation;
  readonly addresses: Addresses;
}

export class EnvoyRunner {
  readonly #node: NodeName;
  readonly #dir: string;
  readonly #upstreams: Upstreams;
  #envoy: TestEnvoy;
  #log: EnvoyLog;
  #scripts = 0;
  #versions = 0;
  #marks = 0;
  readonly #formerMetrics = new Set<string>();

  static async start(node: NodeName): Promise<EnvoyRunner> {
    const dir = await mkdtemp(join(tmpdir(), "sluice-"));
    const upstreams = { http: await startUpstream(), tcp: await startTcpUpstream() };
    return new EnvoyRunner(node, dir, upstreams, await startScriptEnvoy(node, dir, upstreams));
  }

  private constructor(node: NodeName, dir: string, upstreams: Upstreams, envoy: TestEnvoy) {
    this.#node = node;
    this.#dir = dir;
    this.#upstreams = upstreams;
    this.#envoy = envoy;
    this.#log = new EnvoyLog(envoy);
  }

  async stop(): Promise<void> {
    await this.#envoy.stop();
    await this.#upstreams.http.stop();
    await this.#upstreams.tcp.stop();
    await rm(this.#dir, { recursive: true, force: true });
  }

  /** What can be seen of a script. An Envoy that it crashes is followed by another. */
  async run(script: Script): Promise<Run> {
    try {
      return await this.#run(script);
    } catch (error) {
      if (this.#envoy.ended() === undefined) throw error;
      await this.#envoy.stop();
      this.#envoy = await startScriptEnvoy(this.#node, this.#dir, this.#upstreams);
      this.#log = new EnvoyLog(this.#envoy);
      return { observation: bug, addresses: this.#addresses() };
    }
  }

  async #run(script: Script): Promise<Run> {
    this.#scripts += 1;
    const plugins = await this.#place(script);
    await this.#fillSlot(plugins);
    await this.#observeHostcalls(script.module !== undefined);
    this.#log.begin(this.#vmId);
    const { attempts, unanswered } = this.#upstreams.http.play(script.answers ?? []);
    await this.#deliver(
      "lds.json",
      listener(script, { vmId: this.#vmId, plugins, slotFile: join(this.#dir, this.#slotFile) }),
    );
    const port = await this.#envoy.waitFor(() => this.#port(this.#vmId), `${script.title}: to be taken or refused`);
    if (port === "refused") {
      await this.#mark();
      const { main, refusal } = this.#log.end();
      return { observation: { ...nothing, refusal, main }, addresses: this.#addresses() };
    }
    const { source, ...played } = await (script.connections === undefined
      ? this.#playRequests(script, { port, unanswered })
      : this.#playConnections(script.connections, port));
    const addresses = this.#addresses({ source, destination: `127.0.0.1:${port}` });
    if (script.until !== undefined) await this.#waitForLines(script.until);
    const metrics = await this.#metrics();
    await this.#mark();
    if (this.#log.has("envoy bug failure")) return { observation: bug, addresses };
    const hostcalls = countText(this.#log.hostcalls);
    const { main, worker } = this.#log.end();
    const arrived = attempts.map(({ headers, body, trailers }) => ({
      headers: headerLines(headers),
      body: textOf(body),
      trailers: headerLines(trailers),
    }));
    return { observation: { ...nothing, ...played, attempts: arrived, main, worker, metrics, hostcalls }, addresses };
  }

  /** Envoy's log says nothing of which VM calls: where that is to be seen, all VMs of earlier scripts must be gone. */
  async #observeHostcalls(isOn: boolean): Promise<void> {
    await this.#envoy.post(`/logging?wasm=${isOn ? "trace" : "info"}`);
    if (!isOn) return;
    await this.#deliver("lds.json");
    const vms = "wasm.envoy.wasm.runtime.v8.active";
    await this.#envoy.waitFor(async () => (await this.#envoy.stat(vms)) === 0, `${vms} to be 0`);
    this.#formerMetrics.clear();
    await this.#mark();
  }

  /** Of the script that runs: unique, so that no two scripts share a VM. */
  get #vmId(): string {
    return `v${this.#scripts}`;
  }

  #addresses(own: Pick<Addresses, "source" | "destination"> = { source: "", destination: "" }): Addresses {
    const { http, tcp } = this.#upstreams;
    return { vmId: this.#vmId, ...own, upstream: http.address, tcpUpstream: tcp.address };
  }

  /** Writes the modules of a script's plugins. */
  async #place(script: Script, run = this.#vmId): Promise<PlacedPlugin[]> {
    const placed: PlacedPlugin[] = [];
    for (const plugin of pluginsOf(script, this.#vmId)) {
      const moduleFile = join(this.#dir, `${run}-${plugin.moduleName}.wasm`);
      await writeFile(moduleFile, await plugin.module());
      placed.push({ ...plugin, moduleFile });
    }
    return placed;
  }

  /** Own of a script: Envoy goes on to watch it while the last one's listener drains. */
  get #slotFile(): string {
    return `${slotName(this.#vmId)}.json`;
  }

  async #fillSlot(plugins: readonly PlacedPlugin[]): Promise<void> {
    const plugin = plugins.find(({ isSwapped }) => isSwapped);
    if (plugin !== undefined) await this.#deliver(this.#slotFile, slotResource(this.#vmId, plugin));
  }

  /** Replaces the plugin that the script swaps. */
  async #swap(script: Script, { until, isRefused = false }: Swap): Promise<void> {
    const stat = `extension_config_discovery.http_filter.${slotName(this.#vmId)}.config_${isRefused ? "fail" : "reload"}`;
    const before = await this.#envoy.stat(stat);
    await this.#fillSlot(await this.#place(script, `${this.#vmId}s${this.#versions}`));
    await this.#envoy.waitFor(async () => (await this.#envoy.stat(stat)) > before, `${stat} to rise`);
    if (until !== undefined) await this.#waitForLines(until);
    await this.#mark();
  }

  async #deliver(name: string, ...resources: readonly unknown[]): Promise<void> {
    const file = join(this.#dir, name);
    this.#versions += 1;
    await writeFile(`${file}.new`, JSON.stringify({ version_info: String(this.#versions), resources }));
    await rename(`${file}.new`, file);
  }

  async #port(name: string): Promise<number | "refused" | undefined> {
    if (this.#log.isRefused) return "refused";
    const { listener_statuses = [] } = JSON.parse(await this.#envoy.get("/listeners?format=json"));
    const found = listener_statuses.find((one: { readonly name: string }) => one.name === name);
    return found?.local_address.socket_address.port_value;
  }

  async #playRequests(
    script: Script,
    { port, unanswered }: { readonly port: number; readonly unanswered: Promise<void> },
  ): Promise<{ readonly replies: Reply[]; readonly source: string }> {
    const caller = await (script.protocol === "HTTP/1.1" ? connectHttp1 : connect)(port);
    const replies: Reply[] = [];
    try {
      let current = script;
      for (const request of script.requests ?? [{}]) {
        const { swap, after } = request;
        if (after !== undefined) await this.#waitForLines(after);
        if (swap !== undefined) current = swapped(current, swap);
        const replace = async () => await (swap && this.#swap(current, swap));
        if (swap?.when !== "in flight") {
          await replace();
          replies.push(await this.#request(caller, request, unanswered));
          continue;
        }
        const { arrived, release } = this.#upstreams.http.hold();
        const reply = this.#request(caller, request, unanswered);
        await arrived;
        await replace();
        release();
        replies.push(await reply);
      }
    } finally {
      caller.close();
    }
    return { replies, source: caller.source };
  }

  /** @returns the source of the last one, too */
  async #playConnections(
    all: readonly (readonly Move[])[],
    port: number,
  ): Promise<{ readonly connections: Seen[]; readonly source: string }> {
    const through = { envoy: this.#envoy, log: this.#log, upstream: this.#upstreams.tcp, port, prefix: this.#vmId };
    const connections: Seen[] = [];
    let source = "";
    for (const moves of all) {
      const played = await playConnection(moves, through);
      connections.push(played.seen);
      source = played.source;
      await this.#mark();
    }
    return { connections, source };
  }

  async #request(caller: Caller, request: RequestScript, unanswered: Promise<void>): Promise<Reply> {
    const count = this.#log.accessLines.length;
    let reply: Received | undefined;
    void caller.send(request, unanswered).then((received) => {
      reply = received;
    });
    const received = await this.#envoy.waitFor(() => reply, "the request to be over");
    await this.#envoy.waitFor(() => this.#log.accessLines.length > count, "the access log's line of the request");
    const active = `http.${this.#vmId}.downstream_rq_active`;
    await this.#envoy.waitFor(async () => (await this.#envoy.stat(active)) === 0, `${active} to be 0`);
    await this.#mark();
    return replyOf(received, this.#log.accessLines[count]);
  }

  /** Waits until the log has all that was written before. */
  async #mark(): Promise<void> {
    this.#marks += 1;
    const mark = `/ready?mark=${this.#marks}`;
    await this.#envoy.get(mark);
    await this.#envoy.waitFor(() => this.#log.has(mark), `the log to have ${mark}`);
  }

  async #waitForLines(lines: Logged): Promise<void> {
    const [text, times] = typeof lines === "string" ? [lines, 1] : lines;
    await this.#envoy.waitFor(() => this.#log.count(text) >= times, `the log to have ${text} ${times} times`);
  }

  /**
   * Samples are merged by a flush, which each reading begins unless one still runs: what the second that begins one shows has
   * all of before.
   */
  async #mergedStats(): Promise<string> {
    const dropped = (text: string) => /^server\.dropped_stat_flushes: (\d+)$/m.exec(text)?.[1];
    const path = "/stats?filter=^(wasmcustom\\.|server\\.dropped_stat_flushes$)&histogram_buckets=cumulative";
    let last = await this.#envoy.get(path);
    for (let begun = 0; begun < 2; ) {
      const text = await this.#envoy.get(path);
      if (dropped(text) === dropped(last)) begun += 1;
      last = text;
    }
    return last;
  }

  /** Metrics that no earlier script has defined: those live until their VMs' connections are drained. */
  async #metrics(): Promise<string[]> {
    const text = await this.#mergedStats();
    const all = [...text.matchAll(/^wasmcustom\.(.*?): (.*)$/gm)];
    const own = all.filter(([, name = ""]) => !this.#formerMetrics.has(name));
    for (const [, name = ""] of own) this.#formerMetrics.add(name);
    return own.map(([, name = "", value = ""]) => metricLine(name, histogramText(value))).sort();
  }
}

interface Upstreams {
  readonly http: Upstream;
  readonly tcp: TcpUpstream;
}

async function startScriptEnvoy(name: NodeName, dir: string, { http, tcp }: Upstreams): Promise<TestEnvoy> {
  const listeners = join(dir, "lds.json");
  await writeFile(listeners, JSON.stringify({ resources: [] }));
  const config = bootstrap(
    name === "gateway" ? gatewayNode : node,
    { http: http.address, tcp: tcp.address },
    listeners,
  );
  const envoy = await startEnvoy(config, { args: flags });
  await envoy.live();
  return envoy;
}

function replyOf({ headers, body, trailers, isCut }: Received, access: AccessLine | undefined): Reply {
  return {
    headers: headerLines(headers),
    body: textOf(body),
    trailers: headerLines(trailers),
    isCut,
    details: access?.details ?? "",
    flags: flagsText(access?.flags.split(",") ?? []),
    left: access?.left ?? "",
  };
}
