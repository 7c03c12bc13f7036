// Runs scripts on a real Envoy, one after another: each gets a listener of its own in place of the last one's.
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { type Caller, connect, type Received } from "./caller.ts";
import { connectHttp1 } from "./caller-http1.ts";
import { bootstrap, listener } from "./envoy-config.ts";
import { type AccessLine, EnvoyLog, logFormat } from "./envoy-log.ts";
import { bug, flagsText, headerLines, histogramText, nothing, textOf } from "./observation.ts";
import { scriptModule } from "./probe.ts";
import type { Addresses, Observation, Reply, RequestScript, Script } from "./script.ts";
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
  readonly #upstream: Upstream;
  #envoy: TestEnvoy;
  #log: EnvoyLog;
  #scripts = 0;
  #marks = 0;
  readonly #formerMetrics = new Set<string>();

  static async start(): Promise<EnvoyRunner> {
    const dir = await mkdtemp(join(tmpdir(), "sluice-"));
    const upstream = await startUpstream();
    return new EnvoyRunner(dir, upstream, await startScriptEnvoy(dir, upstream));
  }

  private constructor(dir: string, upstream: Upstream, envoy: TestEnvoy) {
    this.#dir = dir;
    this.#upstream = upstream;
    this.#envoy = envoy;
    this.#log = new EnvoyLog(envoy);
  }

  async stop(): Promise<void> {
    await this.#envoy.stop();
    await this.#upstream.stop();
    await rm(this.#dir, { recursive: true, force: true });
  }

  /** What can be seen of a script. An Envoy that it crashes is followed by another. */
  async run(script: Script): Promise<Run> {
    try {
      return await this.#run(script);
    } catch (error) {
      if (this.#envoy.ended() === undefined) throw error;
      await this.#envoy.stop();
      this.#envoy = await startScriptEnvoy(this.#dir, this.#upstream);
      this.#log = new EnvoyLog(this.#envoy);
      return { observation: bug, addresses: this.#addresses() };
    }
  }

  async #run(script: Script): Promise<Run> {
    this.#scripts += 1;
    const moduleFile = join(this.#dir, `${this.#vmId}.wasm`);
    await writeFile(moduleFile, await scriptModule(script));
    this.#log.begin(this.#vmId);
    const { attempts, unanswered } = this.#upstream.play(script.answers ?? []);
    await this.#deliver(listener(script, { moduleFile, vmId: this.#vmId }));
    const port = await this.#envoy.waitFor(() => this.#port(this.#vmId), `${script.title}: to be taken or refused`);
    if (port === "refused") {
      await this.#mark();
      const { main, refusal } = this.#log.end();
      return { observation: { ...nothing, refusal, main }, addresses: this.#addresses() };
    }
    const replies: Reply[] = [];
    const caller = await (script.protocol === "HTTP/1.1" ? connectHttp1 : connect)(port);
    try {
      for (const request of script.requests ?? [{}]) replies.push(await this.#request(caller, request, unanswered));
      if (script.until !== undefined) await this.#waitForLines(script.until);
    } finally {
      caller.close();
    }
    const metrics = await this.#metrics();
    await this.#mark();
    if (this.#log.has("envoy bug failure")) return { observation: bug, addresses: this.#addresses(caller) };
    const { main, worker } = this.#log.end();
    const arrived = attempts.map(({ headers, body, trailers }) => ({
      headers: headerLines(headers),
      body: textOf(body),
      trailers: headerLines(trailers),
    }));
    return { observation: { replies, attempts: arrived, main, worker, metrics }, addresses: this.#addresses(caller) };
  }

  /** Of the script that runs: unique, so that no two scripts share a VM. */
  get #vmId(): string {
    return `v${this.#scripts}`;
  }

  #addresses(
    { source, destination }: Pick<Caller, "source" | "destination"> = { source: "", destination: "" },
  ): Addresses {
    return { vmId: this.#vmId, source, destination, upstream: this.#upstream.address };
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

async function startScriptEnvoy(dir: string, upstream: Upstream): Promise<TestEnvoy> {
  const listeners = join(dir, "lds.json");
  await writeFile(listeners, JSON.stringify({ resources: [] }));
  const envoy = await startEnvoy(bootstrap(upstream.address, listeners), { args: flags });
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
