// Starts real Envoys for tests and leaves nothing of them behind.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { locateEnvoy } from "../../setup/envoy.mjs";
import { type UntilOptions, until } from "./wait.ts";

/** Lines of Envoy's log that an error shows. */
const linesShown = 60;

export interface EnvoyOptions {
  /** Worker threads; default 1. */
  readonly concurrency?: number;
  /** Flags after the usual ones: `["--component-log-level", "wasm:info"]`. */
  readonly args?: readonly string[];
  /** How long to hope for its admin, which comes once its modules are loaded. Default 20,000. */
  readonly deadlineMs?: number;
  /** How to run it somewhere else: a command and its arguments, of Envoy's. Default: as it is. */
  readonly command?: (argv: readonly string[]) => readonly [program: string, args: readonly string[]];
}

/** A real Envoy. Call {@link TestEnvoy.stop} in `afterEach`/`afterAll`; should the test process end before, so does Envoy. */
export interface TestEnvoy {
  readonly pid: number;
  /** The unix socket of its admin (mode 0600). */
  readonly adminSocket: string;
  /** Body of an admin page: `get("/config_dump?include_eds")`. Throws where the status is not 2xx. */
  get(path: string): Promise<string>;
  /** Like get, as a POST: what changes something (`/logging?wasm=debug`). */
  post(path: string): Promise<string>;
  /** A counter or gauge by its full name; 0 where Envoy doesn't have it. Histograms are not numbers. */
  stat(name: string): Promise<number>;
  /** Like {@link until}, but gives up at once when Envoy has ended, and shows its log where it fails. */
  waitFor<T>(
    fact: () => T | Promise<T>,
    describe: string | (() => string),
    options?: UntilOptions,
  ): Promise<Exclude<T, undefined | null | false>>;
  /** Waits until `/ready` says LIVE: with ADS and `initial_fetch_timeout: 0s`, all of the first configuration is there. */
  live(): Promise<void>;
  /** stdout and stderr so far. @param from leaves out so many chars: who follows the log joins only what is new */
  output(from?: number): string;
  /** How it ended by itself, `ended with SIGSEGV`; undefined while it runs. */
  ended(): string | undefined;
  /** Kills it by its pid (Envoy doesn't drain on SIGTERM), waits for its end and removes its files. May be called twice. */
  stop(): Promise<void>;
}

/**
 * Starts the Envoy that `npm start` would use and waits until its admin answers (not until it is live).
 *
 * @param bootstrap envoy.config.bootstrap.v3.Bootstrap as JSON, without `admin`: that is added here
 * @throws with Envoy's log where it ends before
 */
export async function startEnvoy(
  bootstrap: Readonly<Record<string, unknown>>,
  { concurrency = 1, args = [], deadlineMs, command = ([program = "", ...rest]) => [program, rest] }: EnvoyOptions = {},
): Promise<TestEnvoy> {
  const dir = await mkdtemp(join(tmpdir(), "sluice-")); // short: a unix socket's path has 107 bytes
  const adminSocket = join(dir, "admin");
  const config = join(dir, "bootstrap.json");
  const admin = { address: { pipe: { path: adminSocket, mode: 0o600 } } };
  await writeFile(config, JSON.stringify({ ...bootstrap, admin }));
  const [program, all] = command([
    locateEnvoy().path,
    ...["-c", config, "--concurrency", String(concurrency), "--disable-hot-restart"],
    ...["--reject-unknown-dynamic-fields", "--drain-strategy", "immediate", "--file-flush-interval-msec", "100"],
    ...args,
  ]);
  const child = spawn(program, all, { stdio: ["ignore", "pipe", "pipe"] });
  const envoy = control(child, { dir, adminSocket });
  try {
    await envoy.waitFor(() => envoy.get("/server_info"), "Envoy's admin to answer", {
      ...(deadlineMs && { deadlineMs }),
    });
  } catch (error) {
    await envoy.stop();
    throw error;
  }
  return envoy;
}

/** Below the ports that the kernel gives; each process of a test run has a part of its own, and begins anywhere in it. */
const partSize = 1000;
const part = 20_000 + (Number(process.env["VITEST_POOL_ID"] ?? 0) % 10) * partSize;
let drawn = process.pid;

/** A TCP port of 127.0.0.1 that is free, and that nobody else in this run is given. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < partSize; tried++) {
    const port = part + (drawn++ % partSize);
    if (await isFree(port)) return port;
  }
  throw new Error(`none of the ports from ${part} to ${part + partSize - 1} is free`);
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

function control(child: ChildProcess, { dir, adminSocket }: { dir: string; adminSocket: string }): TestEnvoy {
  const chunks: { readonly start: number; readonly text: string }[] = [];
  let size = 0;
  const output = (from = 0): string => {
    const first = chunks.findLastIndex(({ start }) => start <= from);
    const rest = chunks.slice(Math.max(first, 0));
    return rest
      .map(({ text }) => text)
      .join("")
      .slice(from - (rest[0]?.start ?? from));
  };
  let ended: string | undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      chunks.push({ start: size, text });
      size += text.length;
    });
  }
  const exit = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      ended = `could not be started: ${error.message}`;
      resolve();
    });
    child.once("close", (code, signal) => {
      ended ??= `ended with ${signal ?? `exit code ${code}`}`;
      resolve();
    });
  });
  const kill = (): void => {
    if (ended === undefined) child.kill("SIGKILL");
  };
  process.once("exit", kill);

  const get = (path: string): Promise<string> => ask(adminSocket, "GET", path);
  const waitFor: TestEnvoy["waitFor"] = async (fact, describe, options) => {
    try {
      const end = Symbol();
      const found = await until(async () => (ended === undefined ? await fact() : end), describe, options);
      if (found === end) throw new Error(`Envoy ${ended}`);
      return found as Exclude<Awaited<ReturnType<typeof fact>>, undefined | null | false>;
    } catch (error) {
      const log = output().trimEnd().split("\n").slice(-linesShown).join("\n");
      throw new Error(`${error instanceof Error ? error.message : error}\nEnvoy's log:\n${log}`, { cause: error });
    }
  };
  return {
    pid: child.pid ?? 0,
    adminSocket,
    get,
    post: (path) => ask(adminSocket, "POST", path),
    async stat(name) {
      const filter = `^${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`;
      const text = await get(`/stats?filter=${encodeURIComponent(filter)}`);
      return Number(text.slice(text.lastIndexOf(":") + 1)) || 0;
    },
    waitFor,
    async live() {
      await waitFor(async () => (await get("/ready")).startsWith("LIVE"), "Envoy to be live");
    },
    output,
    ended: () => ended,
    async stop() {
      kill();
      await exit;
      process.removeListener("exit", kill);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Body of a page of Envoy's admin; rejects where the status is not 2xx. */
export function ask(socketPath: string, method: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, method, path, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => {
        body += text;
      });
      response.once("error", reject);
      response.once("end", () => {
        const { statusCode = 0 } = response;
        if (statusCode >= 200 && statusCode < 300) resolve(body);
        else reject(new Error(`${method} ${path}: ${statusCode} ${body.trim()}`));
      });
    });
    call.once("error", reject);
    call.end();
  });
}
