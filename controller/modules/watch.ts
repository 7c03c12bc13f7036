// EDGE. Tells when a module's file has been replaced.
import { type FSWatcher, statSync, watch } from "node:fs";
import { dirname, join, sep } from "node:path";

/**
 * Watches any number of files for changes, also for being made or renamed into place. What is watched is their folders,
 * and each folder's own place in the one above: `rm -r build` and a new build leave a watcher that hears nothing more.
 */
export class FileWatcher {
  readonly #onChange: (file: string) => void;
  readonly #folders = new Map<string, { readonly watcher: FSWatcher; readonly stamp: string }>();
  #files: ReadonlySet<string> = new Set();

  /** @param onChange called once or more often for each change, perhaps before the file is whole */
  constructor(onChange: (file: string) => void) {
    this.#onChange = onChange;
  }

  /** Watches these files and no others. */
  watch(files: ReadonlySet<string>): void {
    this.#files = files;
    this.#look();
  }

  close(): void {
    this.watch(new Set());
  }

  #look(): void {
    const wanted = new Set([...this.#files].flatMap(foldersAbove));
    for (const [folder, { watcher, stamp }] of this.#folders) {
      if (wanted.has(folder) && stampOf(folder) === stamp) continue;
      watcher.close();
      this.#folders.delete(folder);
    }
    for (const folder of wanted) if (!this.#folders.has(folder)) this.#open(folder);
  }

  /** A folder that is missing or can't be watched is left out: the module's own problem says so. */
  #open(folder: string): void {
    const stamp = stampOf(folder);
    if (stamp === undefined) return;
    try {
      const watcher = watch(folder, (_event, name) => {
        if (name === null) for (const file of this.#files) this.#onPath(file);
        else this.#onPath(join(folder, name));
      });
      watcher.on("error", () => {
        watcher.close();
        if (this.#folders.get(folder)?.watcher === watcher) this.#folders.delete(folder);
      });
      this.#folders.set(folder, { watcher, stamp });
    } catch {}
  }

  /** Something happened to a file, or to a folder above files. */
  #onPath(path: string): void {
    const below = [...this.#files].filter((file) => file.startsWith(path + sep));
    if (below.length > 0) this.#look();
    for (const file of this.#files.has(path) ? [path] : below) this.#onChange(file);
  }
}

/** From the file's own folder up to the root. */
function foldersAbove(file: string): readonly string[] {
  const folder = dirname(file);
  return folder === file ? [] : [folder, ...foldersAbove(folder)];
}

/** Another one for a folder that was made anew; `undefined` where there is none. */
function stampOf(folder: string): string | undefined {
  try {
    const { dev, ino, birthtimeMs } = statSync(folder);
    return [dev, ino, birthtimeMs].join(":");
  } catch {
    return undefined;
  }
}
