// A real folder that is watched, and what was seen of it.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import { until } from "../../../test/support/wait.ts";
import { problemText } from "../../model/problem.ts";
import { identityOf } from "../../model/raw-object.ts";
import { type Clock, realClock } from "../../ports/clock.ts";
import type { FileBatch } from "../file-set.ts";
import { type FileSource, watchFiles } from "../files.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** Below vitest's own limit, so that a failure says what was seen instead. */
export const patience = { deadlineMs: 4000 };

export class Watched {
  readonly root: string;
  readonly batches: FileBatch[] = [];
  clock: Clock = realClock;
  source: FileSource | undefined;

  constructor(root: string) {
    this.root = root;
  }

  static async make(files: Readonly<Record<string, string>> = {}): Promise<Watched> {
    const root = await mkdtemp(join(tmpdir(), "sluice-files-"));
    cleanups.push(() => rm(root, { recursive: true, force: true }));
    const watched = new Watched(root);
    await mkdir(watched.path(""));
    for (const [name, text] of Object.entries(files)) await watched.write(name, text);
    return watched;
  }

  /** Below the watched folder. */
  path(name: string): string {
    return join(this.root, "mesh", name);
  }

  async write(name: string, text: string): Promise<void> {
    await mkdir(join(this.path(name), ".."), { recursive: true });
    await writeFile(this.path(name), text);
  }

  async watch(...folders: string[]): Promise<this> {
    this.source = await watchFiles({
      folders: folders.length > 0 ? folders : [this.path("")],
      clock: this.clock,
      onBatch: (batch) => this.batches.push(batch),
    });
    const { source } = this;
    cleanups.push(() => source.close());
    return this;
  }

  get last(): FileBatch {
    const batch = this.batches.at(-1);
    if (!batch) throw new Error("no batch yet");
    return batch;
  }

  /** `name=label`, sorted: which version of which object is in force. */
  get seen(): string {
    return this.last.objects.map(version).toSorted().join(" ");
  }

  get problems(): string[] {
    return this.last.problems.map((problem) => problemText(problem).replaceAll(`${this.root}/`, ""));
  }

  async see(seen: string): Promise<void> {
    await until(
      () => this.seen === seen,
      () => `"${seen}"; it is "${this.seen}", ${this.problems.join("; ")}`,
      patience,
    );
  }

  async complain(...texts: string[]): Promise<void> {
    const wanted = texts.join("\n");
    await until(
      () => this.problems.join("\n") === wanted,
      () => `the problems "${wanted}"; it is "${this.problems.join("\n")}"`,
      patience,
    );
  }
}

function version({ value }: FileBatch["objects"][number]): string {
  return `${identityOf(value)?.name}=${JSON.stringify(value).match(/"v":"(\w+)"/)?.[1]}`;
}

export function object(name: string, v: string): string {
  return `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}, labels: {v: ${v}}}\n`;
}
