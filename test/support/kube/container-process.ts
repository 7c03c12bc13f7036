import { execFile, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { containerCommand, type Plan, type User, userArguments } from "./container-script.ts";
import { diesWithUs } from "./daemon.ts";

export interface Exit {
  /** 128+n for signal n. */
  readonly code: number;
}

/** One run of a container. */
export interface ContainerProcess {
  /** Of its first process, as this machine sees it. */
  readonly pid: number;
  readonly exited: Promise<Exit>;
  terminate(): void;
  /** All that runs in it. */
  kill(): void;
}

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
  let ended = false;
  const exited = new Promise<Exit>((resolve) => {
    child.once("error", () => resolve({ code: 127 }));
    child.once("exit", (code, signal) => {
      ended = true;
      rmSync(files.pid, { force: true });
      resolve({ code: code ?? 128 + (signal ? constants.signals[signal] : 0) });
    });
  });
  let said = "";
  for await (const text of child.stdio[3] as NodeJS.ReadableStream) {
    said += text;
    if (said.endsWith("\n")) break; // `unshare` itself keeps the descriptor open for as long as the container runs
  }
  const pid = Number.parseInt(said, 10);
  if (Number.isNaN(pid)) {
    await exited;
    throw new Error(readFileSync(files.log, "utf8").trim().split("\n").slice(-3).join("; "));
  }
  if (!ended) writeFileSync(files.pid, `${pid}\n`);
  const signal = (name: NodeJS.Signals): void => {
    try {
      if (!ended) process.kill(pid, name);
    } catch {
      // it has ended, and `unshare` hasn't said so yet
    }
  };
  return { pid, exited, terminate: () => signal("SIGTERM"), kill: () => signal("SIGKILL") };
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
      ...["nsenter", `--target=${pid}`, "--net", "--mount", "--pid", "--wd", "--"],
      ...["/usr/bin/env", "-i", ...environment, "/usr/bin/setpriv", ...userArguments(user), "--", ...command],
    ] as const;
    execFile(file, args, { timeout: timeoutMs, killSignal: "SIGKILL" }, (error, stdout, stderr) =>
      resolve(error ? `${command.join(" ")}: ${(stdout + stderr).trim() || error.message}` : undefined),
    );
  });
}
