// Runs scripts on a real Envoy, one after another: each gets a listener of its own in place of the last one's.
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { type Caller, connect, type Received } from "./caller.ts";
import { connectHttp1 } from "./caller-http1.ts";
import type { Move, Seen } from "./connections.ts";
import { bootstrap, listener } from "./envoy-config.ts";
import { playConnection } from "./envoy-connection.ts";
import { type AccessLine, EnvoyLog, logFormat } from "./envoy-log.ts";
import { bug, flagsText, headerLines, histogramText, nothing, textOf } from "./observation.ts";
import { scriptModule } from "./probe.ts";
import type { Addresses, Observation, Reply, RequestScript, Script } from "./script.ts";
import { startTcpUpstream, type TcpUpstream } from "./tcp-upstream.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

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
  readonly #dir: string;
  readonly #upstreams: Upstreams;
  #envoy: TestEnvoy;
  #log: EnvoyLog;
  #scripts = 0;
  #marks = 0;
  readonly #formerMetrics = new Set<string>();

  static async start(): Promise<EnvoyRunner> {
    const dir = await mkdtemp(join(tmpdir(), "sluice-"));
    const upstreams = { http: await startUpstream(), tcp: await startTcpUpstream() };
    return new EnvoyRunner(dir, upstreams, await startScriptEnvoy(dir, upstreams));
  }

  private constructor(dir: string, upstreams: Upstreams, envoy: TestEnvoy) {
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
      this.#envoy = await startScriptEnvoy(this.#dir, this.#upstreams);
      this.#log = new EnvoyLog(this.#envoy);
      return { observation: bug, addresses: this.#addresses() };
    }
  }

  async #run(script: Script): Promise<Run> {
    this.#scripts += 1;
    const moduleFile = join(this.#dir, `${this.#vmId}.wasm`);
    await writeFile(moduleFile, await scriptModule(script));
    this.#log.begin(this.#vmId);
    const { attempts, unanswered } = this.#upstreams.http.play(script.answers ?? []);
    await this.#deliver(listener(script, { moduleFile, vmId: this.#vmId }));
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
    const { main, worker } = this.#log.end();
    const arrived = attempts.map(({ headers, body, trailers }) => ({
      headers: headerLines(headers),
      body: textOf(body),
      trailers: headerLines(trailers),
    }));
    return { observation: { ...nothing, ...played, attempts: arrived, main, worker, metrics }, addresses };
  }

  /** Of the script that runs: unique, so that no two scripts share a VM. */
  get #vmId(): string {
    return `v${this.#scripts}`;
  }

  #addresses(own: Pick<Addresses, "source" | "destination"> = { source: "", destination: "" }): Addresses {
    const { http, tcp } = this.#upstreams;
    return { vmId: this.#vmId, ...own, upstream: http.address, tcpUpstream: tcp.address };
  }

  async #deliver(resource: unknown): Promise<void> {
    const file = join(this.#dir, "lds.json");
    await writeFile(`${file}.new`, JSON.stringify({ version_info: String(this.#scripts), resources: [resource] }));
    await rename(`${file}.new`, file);
  }

  async #port(name: string): Promise<number | "refused" | undefined> {
    if (this.#log.isRefused) return "refused";
    const { listener_statuses = [] } = JSON.parse(await this.#envoy.get("/listeners?format=json"));
    const found = listener_statuses.find((one: { readonly name: string }) => one.name === name);
    return found?.local_address.socket_address.port_value;
  }

  async #playRequests(
    { protocol, requests = [{}] }: Script,
    { port, unanswered }: { readonly port: number; readonly unanswered: Promise<void> },
  ): Promise<{ readonly replies: Reply[]; readonly source: string }> {
    const caller = await (protocol === "HTTP/1.1" ? connectHttp1 : connect)(port);
    const replies: Reply[] = [];
    try {
      for (const request of requests) replies.push(await this.#request(caller, request, unanswered));
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

  async #waitForLines(text: string): Promise<void> {
    await this.#envoy.waitFor(() => this.#log.has(text), `the log to have ${JSON.stringify(text)}`);
  }

  /** Metrics that no earlier script has defined: those live until their VMs' connections are drained. */
  async #metrics(): Promise<string[]> {
    const text = await this.#envoy.get("/stats?filter=^wasmcustom\\.&histogram_buckets=cumulative");
    const all = [...text.matchAll(/^wasmcustom\.(.*?): (.*)$/gm)];
    const own = all.filter(([, name = ""]) => !this.#formerMetrics.has(name));
    for (const [, name = ""] of own) this.#formerMetrics.add(name);
    return own.map(([, name, value = ""]) => `${name}: ${histogramText(value)}`).sort();
  }
}

interface Upstreams {
  readonly http: Upstream;
  readonly tcp: TcpUpstream;
}

async function startScriptEnvoy(dir: string, { http, tcp }: Upstreams): Promise<TestEnvoy> {
  const listeners = join(dir, "lds.json");
  await writeFile(listeners, JSON.stringify({ resources: [] }));
  const envoy = await startEnvoy(bootstrap({ http: http.address, tcp: tcp.address }, listeners), { args: flags });
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
  };
}
