// Runs scripts on a real Envoy, one after another: each gets a listener of its own in place of the last one's.
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { type Caller, connect, type Received } from "./caller.ts";
import { bootstrap, listener } from "./envoy-config.ts";
import { type AccessLine, EnvoyLog, logFormat } from "./envoy-log.ts";
import { headerLines, histogramText, textOf } from "./observation.ts";
import { scriptModule } from "./probe.ts";
import type { Addresses, Observation, Reply, RequestScript, Script } from "./script.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

export class EnvoyRunner {
  readonly #dir: string;
  readonly #envoy: TestEnvoy;
  readonly #upstream: Upstream;
  readonly #log: EnvoyLog;
  #scripts = 0;
  #marks = 0;
  readonly #formerMetrics = new Set<string>();

  static async start(): Promise<EnvoyRunner> {
    const dir = await mkdtemp(join(tmpdir(), "sluice-"));
    const upstream = await startUpstream();
    await writeFile(join(dir, "lds.json"), JSON.stringify({ resources: [] }));
    const envoy = await startEnvoy(bootstrap(upstream.address, join(dir, "lds.json")), {
      args: [
        "--log-format",
        logFormat,
        "--component-log-level",
        "admin:debug",
        "--file-flush-min-size-kb",
        "0",
        "--drain-time-s",
        "1",
      ],
    });
    await envoy.live();
    return new EnvoyRunner(dir, envoy, upstream);
  }

  private constructor(dir: string, envoy: TestEnvoy, upstream: Upstream) {
    this.#dir = dir;
    this.#envoy = envoy;
    this.#upstream = upstream;
    this.#log = new EnvoyLog(envoy);
  }

  async stop(): Promise<void> {
    await this.#envoy.stop();
    await this.#upstream.stop();
    await rm(this.#dir, { recursive: true, force: true });
  }

  /** What can be seen of a script, and the addresses that it met. */
  async run(script: Script): Promise<{ readonly observation: Observation; readonly addresses: Addresses }> {
    this.#scripts += 1;
    const vmId = `v${this.#scripts}`;
    const moduleFile = join(this.#dir, `${vmId}.wasm`);
    await writeFile(moduleFile, await scriptModule(script));
    this.#log.begin(vmId);
    const { attempts, unanswered } = this.#upstream.play(script.answers ?? []);
    await this.#deliver(listener(script, { moduleFile, vmId }));
    const port = await this.#envoy.waitFor(() => this.#port(vmId), `${vmId} (${script.title}) to be taken or refused`);
    const replies: Reply[] = [];
    let caller: Caller | undefined;
    if (port !== "refused") {
      caller = await connect(port);
      try {
        for (const request of script.requests ?? [{}])
          replies.push(await this.#request(caller, request, { vmId, unanswered, count: replies.length + 1 }));
        if (script.until !== undefined) await this.#waitForLines(script.until);
      } finally {
        caller.close();
      }
    }
    const metrics = port === "refused" ? [] : await this.#metrics();
    await this.#mark();
    const { main, worker, refusal } = this.#log.end();
    const addresses = {
      vmId,
      source: caller?.source ?? "",
      destination: caller?.destination ?? "",
      upstream: this.#upstream.address,
    };
    const observation: Observation = {
      ...(port === "refused" ? { refusal } : {}),
      replies,
      attempts: attempts.map(({ headers, body, trailers }) => ({
        headers: headerLines(headers),
        body: textOf(body),
        trailers: headerLines(trailers),
      })),
      main,
      worker,
      metrics,
    };
    return { observation, addresses };
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

  async #request(
    caller: Caller,
    request: RequestScript,
    { vmId, unanswered, count }: { vmId: string; unanswered: Promise<void>; count: number },
  ): Promise<Reply> {
    const received = await caller.send(request, unanswered);
    await this.#envoy.waitFor(() => this.#log.accessLines.length >= count, `the access log's line ${count}`);
    const active = `http.${vmId}.downstream_rq_active`;
    await this.#envoy.waitFor(async () => (await this.#envoy.stat(active)) === 0, `${active} to be 0`);
    await this.#mark();
    return replyOf(received, this.#log.accessLines[count - 1]);
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

function replyOf({ headers, body, trailers, isCut }: Received, access: AccessLine | undefined): Reply {
  return {
    headers: headerLines(headers),
    body: textOf(body),
    trailers: headerLines(trailers),
    isCut,
    details: access?.details ?? "",
    flags: access?.flags ?? "",
  };
}
