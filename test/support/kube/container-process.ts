import { execFile, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { containerCommand, type Plan, type User, userArguments } from "./container-script.ts";
import { diesWithUs } from "./daemon.ts";

export interface Exit {
  /** 128+n for signal n. */
  readonly code: number;
  readonly signal: NodeJS.Signals | null;
}

/** One run of a container. */
export interface ContainerProcess {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  terminate(): void;
  /** All that it started and that has not left its process group. */
  kill(): void;
}

const signalNumbers: Readonly<Record<string, number>> = { SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15, SIGABRT: 6, SIGINT: 2 };

/**
 * Starts a container; resolves when its mounts are made and its program is about to run.
 *
 * @param files `log`: what it writes; `pid`: holds its process id while it runs, for the kubelet
 * @throws with the last of its log where it does not come so far
 */
export async function startProcess(plan: Plan, files: { log: string; pid: string }): Promise<ContainerProcess> {
  const log = openSync(files.log, "a", 0o644);
  const [file, ...args] = containerCommand(plan);
  const child = spawn(file, args, { detached: true, stdio: ["ignore", log, log, "pipe"] });
  closeSync(log);
  const { pid } = child;
  const exited = new Promise<Exit>((resolve) => {
    child.once("error", () => resolve({ code: 127, signal: null }));
    child.once("exit", (code, signal) => {
      rmSync(files.pid, { force: true });
      group(pid, "SIGKILL"); // what it started and left behind
      resolve({ code: code ?? 128 + (signalNumbers[signal ?? ""] ?? 0), signal });
    });
  });
  let said = "";
  for await (const text of child.stdio[3] as NodeJS.ReadableStream) said += text;
  if (pid === undefined || !said.startsWith("ok")) {
    await exited;
    throw new Error(readFileSync(files.log, "utf8").trim().split("\n").slice(-3).join("; "));
  }
  writeFileSync(files.pid, `${pid}\n`);
  return { pid, exited, terminate: () => child.kill("SIGTERM"), kill: () => group(pid, "SIGKILL") };
}

function group(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // nothing of it is left
  }
}

/**
 * Runs a command in a container, as exec probes and hooks do.
 *
 * @returns why it failed; `undefined` where it ended with 0
 */
export function execIn(
  pid: number,
  { command, user, timeoutMs }: { command: readonly string[]; user: User; timeoutMs: number },
): Promise<string | undefined> {
  return new Promise((resolve) => {
    let environment: string[];
    try {
      environment = readFileSync(`/proc/${pid}/environ`, "utf8")
        .split("\0")
        .filter((pair) => pair !== "");
    } catch {
      return resolve("the container does not run");
    }
    const [file, ...args] = [
      ...diesWithUs,
      ...["nsenter", `--target=${pid}`, "--net", "--mount", "--wd", "--"],
      ...["/usr/bin/env", "-i", ...environment, "/usr/bin/setpriv", ...userArguments(user), "--", ...command],
    ] as const;
    execFile(file, args, { timeout: timeoutMs, killSignal: "SIGKILL" }, (error, stdout, stderr) =>
      resolve(error ? `${command.join(" ")}: ${(stdout + stderr).trim() || error.message}` : undefined),
    );
  });
}
