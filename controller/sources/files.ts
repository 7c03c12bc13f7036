import { type FSWatcher, watch } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { sep } from "node:path";
import type { Problem } from "../model/problem.ts";
import type { Clock } from "../ports/clock.ts";
import { Coalescer } from "./coalesce.ts";
import { type FileContent, readDocuments } from "./documents.ts";
import { combine, emptyFile, type FileBatch, type SeenFile, succeed, unreadableFile } from "./file-set.ts";
import { reasonOf, Walk } from "./walk.ts";

// Folders of YAML, watched. An event of the operating system says only that something has happened: each is followed by
// a look at all folders, which reads what differs. So it does not matter which events an editor, a symlink swap
// (Kubernetes' ConfigMap volumes) or a network file system makes, as long as there is one. Every folder has a watcher of
// its own, which is what Linux' inotify offers, set up before the folder is read, so that nothing falls in between.

export interface FilesOptions {
  /** Read with all below them. Their order, then that of the paths, decides between objects that stand twice. */
  readonly folders: readonly string[];
  readonly clock: Clock;
  /** Called with everything there is, once at the start and after each change. */
  readonly onBatch: (batch: FileBatch) => void;
}

export interface FileSource {
  close(): Promise<void>;
}

/** Starts to watch; resolves after the first batch. */
export async function watchFiles(options: FilesOptions): Promise<FileSource> {
  const folders = new Folders(options);
  await folders.look();
  return folders;
}

/** A file as it was when it was last read. */
interface KnownFile extends SeenFile {
  /** Number of its folder in `folders`. */
  readonly folder: number;
  /** Changes with the content; empty: look again. */
  readonly stamp: string;
  readonly text: string | undefined;
  /** Not there at the last look. An editor may be about to put a new one in its place, so it is gone only at the next. */
  readonly missing: boolean;
}

/** Younger than this, a file can change once more without a new time of change: file systems count in clock ticks. */
const settledMs = 50;

class Folders implements FileSource {
  readonly #options: FilesOptions;
  readonly #coalescer: Coalescer;
  /** By real path. */
  readonly #watchers = new Map<string, { readonly watcher: FSWatcher; readonly stamp: string }>();
  #watched: Walk["watched"] = new Map();
  /** By the path that users see, in the order that decides between duplicates. */
  #files: ReadonlyMap<string, KnownFile> = new Map();
  #lastBatch: FileBatch | undefined;
  #looking = Promise.resolve();
  #closed = false;

  constructor(options: FilesOptions) {
    this.#options = options;
    this.#coalescer = new Coalescer({ clock: options.clock, run: () => void this.look() });
  }

  /** Looks at all folders, after any look that is going on. */
  look(): Promise<void> {
    this.#looking = this.#looking.then(() => (this.#closed ? undefined : this.#look()));
    return this.#looking;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#coalescer.stop();
    await this.#looking;
    this.#coalescer.stop();
    for (const { watcher } of this.#watchers.values()) watcher.close();
  }

  async #look(): Promise<void> {
    const walk = new Walk((folder) => this.#watch(folder));
    for (const [i, folder] of this.#options.folders.entries()) await walk.enter(folder, i);
    const files = new Map<string, KnownFile>();
    for (const [path, folder] of walk.files) {
      const file = await this.#read(path, folder);
      if (file) files.set(path, file);
    }
    for (const [path, known] of this.#files) if (!files.has(path)) this.#lookedFor(path, known, { walk, files });
    this.#watched = walk.watched;
    this.#unwatchOthers();
    this.#files = new Map([...files].toSorted(([a, one], [b, other]) => one.folder - other.folder || (a < b ? -1 : 1)));
    this.#emit(walk.problems);
  }

  #emit(problems: readonly Problem[]): void {
    const { objects, problems: found } = combine([...this.#files.values()]);
    const batch = { objects, problems: [...problems, ...found] };
    if (this.#closed || (this.#lastBatch && isSame(this.#lastBatch, batch))) return;
    this.#lastBatch = batch;
    this.#options.onBatch(batch);
  }

  /** A file that is no longer found stays until the next look, and as long as its folder can't be read. */
  #lookedFor(path: string, known: KnownFile, { walk, files }: { walk: Walk; files: Map<string, KnownFile> }): void {
    if (walk.unread.some((folder) => path.startsWith(folder + sep))) files.set(path, known);
    else if (!known.missing) {
      files.set(path, { ...known, missing: true, stamp: "" });
      this.#coalescer.touch();
    }
  }

  /** `undefined`: it has gone since the walk. */
  async #read(path: string, folder: number): Promise<KnownFile | undefined> {
    const known = this.#files.get(path);
    const before = await stampOf(path);
    if (before === "") return undefined;
    if (known?.stamp === before) return known;
    const base = { folder, missing: false };
    try {
      const text = await readFile(path, "utf8");
      const stamp = await stampOf(path);
      if (stamp !== before) {
        this.#coalescer.touch(); // it is being written: this may be a part of it
        if (known) return { ...known, ...base, stamp: "" };
      }
      const settled = this.#options.clock.nowMs() - (await stat(path)).mtimeMs > settledMs;
      const content = text === known?.text ? known.content : contentOf(known?.content, { text, path });
      return { ...base, stamp: settled ? stamp : "", text, content };
    } catch (error) {
      if ((await stampOf(path)) === "") return undefined;
      const content = unreadableFile(known?.content, path, reasonOf(error));
      return { ...base, stamp: "", text: undefined, content };
    }
  }

  /** Watches a folder; says why where that fails. One that was made anew under its name has a new stamp. */
  async #watch(folder: string): Promise<string | undefined> {
    const { dev, ino, birthtimeMs } = await stat(folder);
    const stamp = `${dev}:${ino}:${birthtimeMs}`;
    const known = this.#watchers.get(folder);
    if (known?.stamp === stamp || this.#closed) return undefined;
    known?.watcher.close();
    this.#watchers.delete(folder);
    try {
      const watcher = watch(folder, (_, name) => {
        const names = this.#watched.get(folder);
        if (names === undefined || name === null || names.has(name)) this.#coalescer.touch();
      });
      this.#watchers.set(folder, { watcher, stamp });
      watcher.on("error", () => {
        watcher.close();
        if (this.#watchers.get(folder)?.watcher === watcher) this.#watchers.delete(folder);
        this.#coalescer.touch();
      });
      return undefined;
    } catch (error) {
      return reasonOf(error);
    }
  }

  #unwatchOthers(): void {
    for (const [path, { watcher }] of this.#watchers) {
      if (this.#watched.has(path)) continue;
      watcher.close();
      this.#watchers.delete(path);
    }
  }
}

function contentOf(before: FileContent | undefined, { text, path }: { text: string; path: string }): FileContent {
  return text === "" ? emptyFile(before, path) : succeed(before, readDocuments(text, path));
}

/** Changes whenever the content does, but for changes within a tick; empty where there is no file. */
async function stampOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(":");
  } catch {
    return "";
  }
}

function isSame(a: FileBatch, b: FileBatch): boolean {
  const sameObjects = a.objects.length === b.objects.length && a.objects.every((object, i) => object === b.objects[i]);
  return sameObjects && JSON.stringify(a.problems) === JSON.stringify(b.problems);
}
