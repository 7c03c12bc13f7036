// A real Prometheus that scrapes proxies, and questions to it.
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { locatePrometheus } from "../../setup/prometheus.mjs";
import { freePort } from "./envoy.ts";
import { call } from "./http.ts";
import { until } from "./wait.ts";

/** One line of an answer: a series at one moment. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Prometheus {
  /** What a query answers now, or at `time` (seconds since 1970). Rejects with Prometheus' own words where it can't. */
  query(expr: string, time?: number): Promise<readonly Series[]>;
  /** Values of a label in the series that a selector finds, in order: Grafana's `label_values(selector, label)`. */
  labelValues(selector: string, label: string): Promise<readonly string[]>;
  stop(): Promise<void>;
}

interface Answer {
  readonly error?: string;
  readonly data: unknown;
}

/** Starts a Prometheus that reads `/stats/prometheus` of each `host:port` every 200 ms, and waits until it has. */
export async function startPrometheus(targets: readonly string[]): Promise<Prometheus> {
  const dir = await mkdtemp(join(tmpdir(), "prometheus-"));
  const job = { job_name: "proxies", metrics_path: "/stats/prometheus", static_configs: [{ targets }] };
  const config = { global: { scrape_interval: "200ms", scrape_timeout: "200ms" }, scrape_configs: [job] };
  await writeFile(join(dir, "prometheus.yml"), JSON.stringify(config));
  const port = await freePort();
  const child = spawn(
    locatePrometheus(),
    [
      `--config.file=${join(dir, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(dir, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  const exit = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  const ask = async (path: string, parameters: Readonly<Record<string, string>>): Promise<unknown> => {
    const target = { host: "127.0.0.1", port, path: `/api/v1/${path}?${new URLSearchParams(parameters)}` };
    const { error, data } = JSON.parse((await call(target)).body) as Answer;
    if (error !== undefined) throw new Error(`${JSON.stringify(parameters)}: ${error}`);
    return data;
  };
  const prometheus: Prometheus = {
    async query(expr, time) {
      const at = time === undefined ? {} : { time: String(time) };
      const { result } = (await ask("query", { query: expr, ...at })) as {
        readonly result: readonly { readonly metric: Series["labels"]; readonly value: readonly [number, string] }[];
      };
      return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
    },
    async labelValues(selector, label) {
      const values = (await ask(`label/${label}/values`, { "match[]": selector })) as readonly string[];
      return values.toSorted();
    },
    async stop() {
      kill();
      await exit;
      process.removeListener("exit", kill);
      await rm(dir, { recursive: true, force: true });
    },
  };
  try {
    const up = async (): Promise<boolean> => (await prometheus.query("sum(up)"))[0]?.value === targets.length;
    await until(up, () => `Prometheus to read ${targets.join(", ")}; its log:\n${log.slice(-3000)}`);
  } catch (error) {
    await prometheus.stop();
    throw error;
  }
  return prometheus;
}
