// `npm start` on a fresh clone of HEAD, to the first request that the gateway serves through both services.
import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { env } from "node:process";
import { call } from "../support/http.ts";
import { until } from "../support/wait.ts";
import type { Measurement } from "./figures.ts";

const times = 3;
/** For the slowest line that one would wait for. */
const deadlineMs = 10 * 60_000;
const root = join(import.meta.dirname, "..", "..");

/** With packages and Envoy in npm's and Sluice's caches. */
export const freshClone: Measurement = async (resources) => {
  const samples: number[] = [];
  for (let n = 0; n < times; n++) samples.push(await startClone(resources, "warm"));
  const how = "git clone, then GET /api/catalog every 10 ms; caches of npm and Sluice warm";
  return [{ what: "`npm start` on a fresh clone to the first answer", samples, unit: "s", how }];
};

/** With nothing: everything is downloaded. */
export const freshCloneCold: Measurement = async (resources) => {
  const samples = [await startClone(resources, "cold")];
  const how = "the same, with empty caches: packages and Envoy are downloaded";
  return [{ what: "`npm start` on a fresh clone, cold", samples, unit: "s", how }];
};

/** Seconds to the first answer. */
async function startClone(resources: AsyncDisposableStack, cache: "warm" | "cold"): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), "clone-"));
  resources.defer(() => rm(dir, { recursive: true, force: true }));
  execFileSync("git", ["clone", "--quiet", root, join(dir, "sluice")]);
  const startMs = performance.now();
  const child = spawn("npm", ["start"], {
    cwd: join(dir, "sluice"),
    env: { ...userEnv(), SLUICE_RUN_DIR: join(dir, "run"), ...(cache === "cold" && emptyCaches(dir)) },
    detached: true, // a group of its own, as in a terminal: Ctrl-C goes to all of it
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  let ended = false;
  const exit = new Promise<void>((resolve) =>
    child.once("close", () => {
      ended = true;
      resolve();
    }),
  );
  const stop = (): Promise<void> => {
    if (!ended && child.pid !== undefined) process.kill(-child.pid, "SIGINT");
    return exit;
  };
  resources.defer(stop);
  const answered = async (): Promise<boolean> => {
    const [, host, port] = /^gateway +http:\/\/([\d.]+):(\d+)$/m.exec(output) ?? [];
    if (ended || host === undefined) return ended;
    return (await call({ host, port: Number(port), path: "/api/catalog" })).status === 200;
  };
  await until(answered, () => `an answer of the clone, which printed:\n${output.slice(-6000)}`, { deadlineMs });
  if (ended) throw new Error(`npm start has ended:\n${output.slice(-6000)}`);
  const seconds = (performance.now() - startMs) / 1000;
  await stop();
  return seconds;
}

/** This process' environment without what npm and the repository's own packages put into it. */
function userEnv(): Record<string, string | undefined> {
  const path = (env["PATH"] ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  const others = Object.entries(env).filter(([name]) => !/^(npm_(?!config_registry$)|INIT_CWD$)/.test(name));
  return { ...Object.fromEntries(others), PATH: path.join(delimiter) };
}

function emptyCaches(dir: string): Record<string, string> {
  return { SLUICE_CACHE: join(dir, "cache"), npm_config_cache: join(dir, "npm"), PIP_NO_CACHE_DIR: "1" };
}
