// What `sluice up` leaves in a file while it runs, for the CLI and for scripts to find its processes.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join, resolve } from "node:path";
import type { Labels } from "../model/object.ts";

/** A running `sluice up`. */
export interface Run {
  /** The watched folder, absolute. */
  readonly dir: string;
  /** The runner itself. */
  readonly pid: number;
  /** Absent while the controller doesn't run. */
  readonly controllerPid?: number;
  /** Where the controller serves xDS. */
  readonly xds: { readonly address: string; readonly port: number };
  /** Of the controller's debug pages, on 127.0.0.1. */
  readonly monitoringPort: number;
  /** Where requests from outside enter. */
  readonly gateway: { readonly address: string; readonly port: number };
  /** Folder with `<pod>.log` (what the containers print) and `envoy-<pod>.log`. */
  readonly logs: string;
  /** The gateway's is one of them. */
  readonly pods: readonly RunPod[];
  /** The gateway's is one of them. */
  readonly services: readonly RunService[];
  /** Every process of the run, the runner first, so that a later start can end what a crash left behind. */
  readonly processes: readonly ProcessMark[];
}

export interface RunService {
  readonly name: string;
  readonly namespace: string;
  /** Empty: it selects no pods. */
  readonly selector: Labels;
}

export interface RunPod {
  readonly name: string;
  readonly namespace: string;
  readonly workload: string;
  readonly labels: Labels;
  /** The address that is the pod's alone: its Envoy has metrics (15090) and readiness (15021) there. */
  readonly ip: string;
  /** Files of the pod's network and mount namespaces; absent: it shares the machine's, and its traffic is not intercepted. */
  readonly namespaces?: { readonly net: string; readonly mount: string };
  /** Unix socket of Envoy's admin. */
  readonly adminSocket: string;
  /** Its containers take traffic and its Envoy is live. */
  readonly ready: boolean;
  /** Absent while it does not run. */
  readonly envoyPid?: number;
  /** Port of the first container's application on 127.0.0.1 (of the pod's namespace), behind Envoy; absent for gateways. */
  readonly appPort?: number;
  /** Of the first container; absent while it does not run. */
  readonly appPid?: number;
}

/** Names one process for good: pids are used again, start times are not. */
export interface ProcessMark {
  readonly pid: number;
  /** As the system tells it; compared, never read. */
  readonly startTime: string;
}

/** `<tmp>/sluice-<uid>`: one folder for each running `sluice up` of this user. */
export function runsFolder(): string {
  return join(tmpdir(), `sluice-${userInfo().uid}`);
}

/**
 * Where the run of a folder keeps its state: `$SLUICE_RUN_DIR`, else a folder of {@link runsFolder} named by a hash.
 *
 * @throws where `dir` does not exist
 */
export function runFolderOf(dir: string, env: Readonly<Record<string, string | undefined>>): string {
  const named = env["SLUICE_RUN_DIR"];
  if (named) return resolve(named);
  return join(runsFolder(), createHash("sha256").update(realpathSync(dir)).digest("hex").slice(0, 8));
}

/** `undefined` where the folder holds no run. */
export function readRun(runFolder: string): Run | undefined {
  try {
    return JSON.parse(readFileSync(join(runFolder, "run.json"), "utf8")) as Run;
  } catch {
    return undefined;
  }
}

/** The run in `$SLUICE_RUN_DIR`, else all of this user's; of those that crashed the files may still be there. */
export function readRuns(env: Readonly<Record<string, string | undefined>>): readonly Run[] {
  const named = env["SLUICE_RUN_DIR"];
  const folders = named ? [named] : entriesOf(runsFolder());
  return folders.map(readRun).filter((run) => run !== undefined);
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}
