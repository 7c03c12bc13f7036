// EDGE. Tells when a module's file has been replaced.
import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";

/**
 * Watches any number of files for changes, also for being made or renamed into place: what is watched is their folders.
 * A folder that isn't there is looked for again at the next {@link FileWatcher.watch}.
 */
export class FileWatcher {
  readonly #onChange: (file: string) => void;
  readonly #folders = new Map<string, FSWatcher>();
  #files: ReadonlySet<string> = new Set();

  constructor(onChange: (file: string) => void) {
    this.#onChange = onChange;
  }

  /** Watches these files and no others. */
  watch(files: ReadonlySet<string>): void {
    this.#files = files;
    const folders = new Set([...files].map((file) => dirname(file)));
    for (const [folder, watcher] of this.#folders) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.#folders.delete(folder);
    }
    for (const folder of folders) if (!this.#folders.has(folder)) this.#open(folder);
  }

  close(): void {
    this.watch(new Set());
  }

  #open(folder: string): void {
    try {
      const watcher = watch(folder, (_event, name) => {
        for (const file of this.#files)
          if (dirname(file) === folder && (name === null || basename(file) === name)) this.#onChange(file);
      });
      watcher.on("error", () => {
        watcher.close();
        this.#folders.delete(folder);
      });
      this.#folders.set(folder, watcher);
    } catch {
      // the folder is missing: the module's own problem says so
    }
  }
}
