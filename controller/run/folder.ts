import {
  chownSync,
  closeSync,
  existsSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { endAll, isRunning } from "./leftovers.ts";
import { type Run, readRun, runsFolder } from "./state.ts";

/** A unix socket's path has 107 bytes at most (unix(7)); `/pods/9999/admin` has 16. */
const pathBytesMax = 91;
/** Beyond this a log starts over: what `sluice up` leaves in the folder stays bounded. */
const logBytesMax = 16 * 1024 * 1024;

/** The files of one run: this process alone writes them, and removes them at the end. */
export class RunFolder {
  readonly path: string;
  readonly objects: string;
  readonly logs: string;
  /** What proves who is who. */
  readonly identity: string;
  readonly #hosts: string;
  readonly #pods: string;
  #lastPod = 0;
  /** Name to text of what stands in `objects`. */
  #objects: ReadonlyMap<string, string> = new Map();

  private constructor(path: string) {
    this.path = path;
    this.objects = join(path, "objects");
    this.logs = join(path, "logs");
    this.#hosts = join(path, "hosts");
    this.#pods = join(path, "pods");
    this.identity = join(path, "identity");
    for (const folder of [this.objects, this.logs, this.#hosts, this.#pods]) mkdirSync(folder);
    mkdirSync(this.identity, { mode: 0o700 });
  }

  /**
   * Makes the folder, after ending what a crashed run left in it.
   *
   * @returns also how many processes were ended
   * @throws where another run of the same folder is alive, and where the folder can't be used
   */
  static async claim(path: string): Promise<{ readonly folder: RunFolder; readonly ended: number }> {
    if (Buffer.byteLength(path) > pathBytesMax)
      throw new Error(
        `${path} is too long for unix sockets: ${path.length} of ${pathBytesMax} bytes; set SLUICE_RUN_DIR`,
      );
    if (dirname(path) === runsFolder()) ownFolder(runsFolder());
    const left = readRun(path);
    const [runner, ...children] = left?.processes ?? [];
    if (runner && isRunning(runner))
      throw new Error(`\`sluice up\` runs there already (pid ${runner.pid}, ${left?.dir}); end it first`);
    const ended = await endAll(children);
    if (left || isLeftover(path)) rmSync(path, { recursive: true, force: true });
    if (existsSync(path)) throw new Error(`${path} holds something else than a run; remove it or set SLUICE_RUN_DIR`);
    mkdirSync(dirname(path), { recursive: true });
    mkdirSync(path, { mode: 0o700 });
    return { folder: new RunFolder(path), ended };
  }

  writeRun(run: Run): void {
    this.#write("run.json", JSON.stringify(run, null, 2));
  }

  /** A folder for what a pod's Envoy reads and listens on. @param owner user and group; absent: this process's */
  newPodFolder(owner?: number): PodFolder {
    const path = join(this.#pods, String(++this.#lastPod));
    mkdirSync(path, { mode: 0o700 });
    const own = (file: string): void => {
      if (owner !== undefined) chownSync(file, owner, owner);
    };
    own(path);
    return {
      path,
      write(name, text) {
        const half = join(path, `${name}.next`);
        writeFileSync(half, text, { mode: 0o600 });
        own(half);
        renameSync(half, join(path, name));
      },
      remove: () => rmSync(path, { recursive: true, force: true }),
    };
  }

  /** `/etc/hosts` of a namespace's pods; see {@link writeHosts}. */
  hostsFile(namespace: string): string {
    return join(this.#hosts, namespace);
  }

  /** In place, because the pods have the file itself. A reader may see half of each, but never nothing. */
  writeHosts(namespace: string, text: string): void {
    const path = this.hostsFile(namespace);
    if (existsSync(path) && readFileSync(path, "utf8") === text) return;
    const file = openSync(path, existsSync(path) ? "r+" : "w", 0o644);
    ftruncateSync(file, writeSync(file, text, 0));
    closeSync(file);
  }

  /** Makes the files of `objects` these, touching only what differs. A reader sees each old or new, never half. */
  writeObjects(files: ReadonlyMap<string, string>): void {
    for (const [name, text] of files) {
      if (this.#objects.get(name) !== text) this.#write(join("objects", name), text);
    }
    for (const name of this.#objects.keys()) {
      if (!files.has(name)) rmSync(join(this.objects, name), { force: true });
    }
    this.#objects = new Map(files);
  }

  /** Empties logs that grew too long; their writers append. */
  trimLogs(): void {
    for (const name of readdirSync(this.logs)) {
      const path = join(this.logs, name);
      if (statSync(path).size > logBytesMax) truncateSync(path);
    }
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
    try {
      rmdirSync(runsFolder());
    } catch {} // not there, or another run is
  }

  #write(name: string, text: string): string {
    const path = join(this.path, name);
    const half = join(this.path, "next"); // outside the watched folder, on the same file system
    writeFileSync(half, text, { mode: 0o600 });
    renameSync(half, path);
    return path;
  }
}

/** Files of one pod's Envoy; nobody else can read them. */
export interface PodFolder {
  readonly path: string;
  /** Makes or replaces a file; a reader sees it old or new, never half. */
  write(name: string, text: string): void;
  remove(): void;
}

/** Last lines that were appended to a log after `fromByte`. */
export function lastLines(path: string, { fromByte, count }: { fromByte: number; count: number }): readonly string[] {
  const bytes = readFileSync(path);
  const text = bytes.subarray(fromByte > bytes.length ? 0 : fromByte).toString("utf8");
  return text
    .trimEnd()
    .split("\n")
    .slice(-count)
    .filter((line) => line !== "");
}

/** A folder in a place where anyone may write must be this user's. */
function ownFolder(path: string): void {
  mkdirSync(path, { mode: 0o700, recursive: true });
  const stat = lstatSync(path);
  if (!stat.isDirectory() || stat.uid !== userInfo().uid)
    throw new Error(`${path} is not a folder of this user; remove it or set SLUICE_RUN_DIR`);
}

/** A run that crashed before it wrote `run.json`. Anything else in the way is not ours to remove. */
function isLeftover(path: string): boolean {
  try {
    return readdirSync(path).every((name) => ["objects", "logs", "hosts", "pods", "identity", "next"].includes(name));
  } catch {
    return false;
  }
}
