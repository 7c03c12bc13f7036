import { readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { Problem } from "../model/problem.ts";
import { fileProblem } from "./file-set.ts";

/** One look at folders and all below them. */
export class Walk {
  /** Paths of YAML and JSON files, as users see them, with the number of their folder. */
  readonly files = new Map<string, number>();
  /** Folders where changes can happen; with names, only changes of these matter. */
  readonly watched = new Map<string, Set<string> | undefined>();
  /** Folders that can't be read, as users see them. */
  readonly unread: string[] = [];
  readonly problems: Problem[] = [];
  readonly #watch: (folder: string) => Promise<string | undefined>;
  readonly #entered = new Set<string>();

  /** @param watch called with a folder before it is read, so that no change is missed; answers why it can't be watched */
  constructor(watch: (folder: string) => Promise<string | undefined>) {
    this.#watch = watch;
  }

  /** Adds a folder with all below it. */
  async enter(folder: string, number: number): Promise<void> {
    const path = resolve(folder);
    await this.#observe(dirname(path), basename(path)).catch(() => undefined); // sees the folder itself come and go
    await this.#read(folder, number);
  }

  async #read(folder: string, number: number): Promise<void> {
    try {
      const real = await realpath(folder);
      if (this.#entered.has(real)) return; // symlinks can lead in circles
      this.#entered.add(real);
      await this.#observe(real);
      for (const name of (await readdir(folder)).toSorted()) {
        if (!name.startsWith(".") && name !== "node_modules") await this.#visit(join(folder, name), number);
      }
    } catch (error) {
      this.unread.push(join(folder));
      this.problems.push(fileProblem("error", folder, `can't be read: ${reasonOf(error)}`));
    }
  }

  /** Backup, swap and lock files of editors are hidden or don't end like this. */
  async #visit(path: string, number: number): Promise<void> {
    const found = await stat(path).catch(() => undefined); // a symlink to nothing, or gone meanwhile
    if (found?.isDirectory()) await this.#read(path, number);
    if (!found?.isFile() || !/\.(ya?ml|json)$/.test(path)) return;
    this.files.set(path, number);
    const target = await realpath(path).catch(() => undefined); // where a symlink leads to
    if (target !== undefined) await this.#observe(dirname(target)).catch(() => undefined);
  }

  async #observe(folder: string, name?: string): Promise<void> {
    const isNew = !this.watched.has(folder);
    const names = this.watched.get(folder);
    if (isNew && name !== undefined) this.watched.set(folder, new Set([name]));
    else if (name === undefined) this.watched.set(folder, undefined);
    else names?.add(name);
    const reason = isNew ? await this.#watch(folder) : undefined;
    if (reason !== undefined) {
      const message = `can't be watched, so changes in it are not seen: ${reason}`;
      this.problems.push(fileProblem("warning", folder, message));
    }
  }
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
