import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { ProcessMark } from "./state.ts";

/** When a process began, in the system's own words; `undefined` where it doesn't run (a zombie doesn't). */
export function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // the name before it may hold anything
    const [state, startTicks] = [fields[0], fields[19]]; // proc_pid_stat(5): fields 3 and 22
    return state === "Z" || startTicks === undefined ? undefined : `${bootId()} ${startTicks}`;
  } catch {
    return process.platform === "linux" ? undefined : startTimeByPs(pid);
  }
}

/** Ticks count from boot, and the state folder may outlive one. */
function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

function startTimeByPs(pid: number): string | undefined {
  try {
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim() || undefined;
  } catch {
    return undefined;
  }
}

/** The mark of a process that runs. */
export function markOf(pid: number): ProcessMark | undefined {
  const startTime = startTimeOf(pid);
  return startTime === undefined ? undefined : { pid, startTime };
}

export function isRunning({ pid, startTime }: ProcessMark): boolean {
  return startTimeOf(pid) === startTime;
}

/**
 * Kills those of the processes that still run, each with its group, and waits until they are gone. A process that has
 * only the number of one of them is never touched.
 *
 * @returns how many were killed
 */
export async function endAll(marks: readonly ProcessMark[]): Promise<number> {
  const running = marks.filter(isRunning);
  for (const { pid } of running) killGroup(pid, "SIGKILL");
  while (running.some(isRunning)) await pause(10);
  return running.length;
}

/** Signals the process group that `pid` leads; nothing happens where there is none. */
export function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
