import { createHash } from "node:crypto";
import { codes } from "../model/codes.ts";
import type { Plugin } from "../model/mesh.ts";
import { type MeshObject, refOf, refText } from "../model/object.ts";
import type { Path, Problem } from "../model/problem.ts";
import { type Module, parseSha256, type Sha256 } from "../model/wasm-plugin.ts";
import type { Checked, Job } from "./check.ts";
import { parseLocation } from "./location.ts";

type WasmPluginObject = MeshObject<"WasmPlugin">;

export interface ModuleStoreOptions {
  /** Reads a module's file; rejects with the file system's error. */
  readonly read: (file: string) => Promise<Uint8Array>;
  /** Tries a module out; see preflight.ts. */
  readonly check: (job: Job) => Promise<Checked>;
  /** File of a filter that comes with Sluice. */
  readonly builtinFile: (name: string) => string;
  /** Called when `resolve` would answer something new. */
  readonly onChange: () => void;
}

/** One WasmPlugin: what was asked for, what is known of it, and what was good last. */
interface Entry {
  object: WasmPluginObject;
  good: Plugin | undefined;
  problems: readonly Problem[];
  pending: Promise<void> | undefined;
}

/**
 * The modules of all WasmPlugins. What is asked for is fetched and tried out in the background; until that is done, and
 * where it fails, the last good object with its last good module stays in force.
 */
export class ModuleStore {
  readonly #options: ModuleStoreOptions;
  readonly #entries = new Map<string, Entry>();
  /** Outcomes by module and configuration, so that the same pair is tried once. */
  readonly #checked = new Map<string, Promise<Checked>>();

  constructor(options: ModuleStoreOptions) {
    this.#options = options;
  }

  /**
   * The plugins to run now, in the order given, and what is wrong with the others. A plugin whose first check is still
   * going on is left out; one that was never good is there without a module. Entries that are not in `objects` are
   * forgotten.
   */
  resolve(objects: readonly WasmPluginObject[]): {
    readonly plugins: readonly Plugin[];
    readonly problems: readonly Problem[];
  } {
    const keys = new Set(objects.map((object) => refText(refOf(object))));
    for (const key of this.#entries.keys()) if (!keys.has(key)) this.#entries.delete(key);
    const entries = objects.map((object) => this.#want(object));
    return {
      plugins: entries.flatMap(({ good, object, pending }) => good ?? (pending === undefined ? { object } : [])),
      problems: entries.flatMap(({ problems }) => problems),
    };
  }

  /**
   * All that is wrong with a plugin's module and its configuration, which is neither taken up nor forgotten: where the
   * plugin comes, what was found here counts.
   */
  async problemsOf(object: WasmPluginObject): Promise<readonly Problem[]> {
    return (await this.#load(object)).problems;
  }

  /** Ends when nothing is being fetched or tried. */
  async settled(): Promise<void> {
    for (let pending = this.#pending(); pending.length > 0; pending = this.#pending()) await Promise.all(pending);
  }

  /** Files that the modules come from. */
  files(): ReadonlySet<string> {
    return new Set([...this.#entries.values()].flatMap(({ object }) => this.#file(object) ?? []));
  }

  /** Looks again at the modules of `file`, which has changed. */
  changed(file: string): void {
    for (const entry of this.#entries.values()) if (this.#file(entry.object) === file) this.#start(entry);
  }

  #pending(): readonly Promise<void>[] {
    return [...this.#entries.values()].flatMap(({ pending }) => pending ?? []);
  }

  #want(object: WasmPluginObject): Entry {
    const key = refText(refOf(object));
    const known = this.#entries.get(key);
    if (known === undefined) {
      const entry: Entry = { object, good: undefined, problems: [], pending: undefined };
      this.#entries.set(key, entry);
      this.#start(entry);
      return entry;
    }
    const same = moduleKey(known.object) === moduleKey(object);
    const inForce = known.good !== undefined && known.good.object === known.object;
    known.object = object;
    if (!same) this.#start(known);
    else if (inForce && known.good !== undefined) known.good = { ...known.good, object };
    return known;
  }

  #start(entry: Entry): void {
    const { object } = entry;
    const pending = this.#load(object).then((outcome) => {
      if (entry.pending !== pending) return; // a newer one is under way
      entry.pending = undefined;
      entry.problems = outcome.problems;
      // `entry.object` may have changed since in what a module does not depend on, such as its priority
      if (outcome.module !== undefined) entry.good = { object: entry.object, module: outcome.module };
      this.#options.onChange();
    });
    entry.pending = pending;
  }

  async #load(object: WasmPluginObject): Promise<{ readonly module?: Module; readonly problems: readonly Problem[] }> {
    const { spec } = object;
    const refuse = (path: Path, message: string) => ({ problems: [problemOf(object, path, message)] });
    const location = parseLocation(spec.url);
    const file = this.#file(object);
    if (typeof location === "string" || file === undefined) return refuse(["spec", "url"], String(location));
    let bytes: Uint8Array;
    try {
      bytes = await this.#options.read(file);
    } catch (error) {
      return refuse(["spec", "url"], `is "${spec.url}", which can't be read: ${reasonOf(error)}`);
    }
    const digest = sha256(bytes);
    if (spec.sha256 !== undefined && spec.sha256 !== digest)
      return refuse(["spec", "sha256"], `is ${spec.sha256}, but ${spec.url} has ${digest}; correct one of them`);
    const checked = await this.#check(digest, {
      bytes,
      type: spec.type,
      pluginName: spec.pluginName,
      config: spec.pluginConfig === undefined ? "" : JSON.stringify(spec.pluginConfig),
    });
    const problems = checked.problems.map(({ message, field }) =>
      field === undefined
        ? problemOf(object, ["spec", "url"], `is "${spec.url}": ${message}`)
        : problemOf(object, ["spec", "pluginConfig", ...field], message),
    );
    return checked.module === undefined ? { problems } : { module: { digest, bytes, ...checked.module }, problems };
  }

  #check(digest: Sha256, job: Job): Promise<Checked> {
    const key = JSON.stringify([digest, job.type, job.pluginName, job.config]);
    const known = this.#checked.get(key) ?? this.#options.check(job);
    this.#checked.delete(key);
    this.#checked.set(key, known); // newest last, so that the oldest is forgotten first
    for (const old of this.#checked.keys()) {
      if (this.#checked.size <= checkedMax) break;
      this.#checked.delete(old);
    }
    return known;
  }

  #file({ spec }: WasmPluginObject): string | undefined {
    const location = parseLocation(spec.url);
    if (typeof location === "string") return undefined;
    return "file" in location ? location.file : this.#options.builtinFile(location.builtin);
  }
}

/** Outcomes remembered; beyond it the oldest is tried again when it comes back. */
const checkedMax = 1000;

/** What the module and its configuration depend on. */
function moduleKey({ spec }: WasmPluginObject): string {
  return JSON.stringify([spec.url, spec.sha256, spec.type, spec.pluginName, spec.pluginConfig]);
}

function problemOf(object: WasmPluginObject, path: Path, message: string): Problem {
  return { severity: "error", code: codes.module, object: refOf(object), path, message };
}

function sha256(bytes: Uint8Array): Sha256 {
  const digest = parseSha256(createHash("sha256").update(bytes).digest("hex"));
  if (digest === undefined) throw new Error("SHA-256 is 64 hex digits");
  return digest;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
