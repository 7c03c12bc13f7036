import { refText } from "../model/object.ts";
import type { RawObject } from "../model/raw-object.ts";
import type { WrittenStatus } from "../model/written-status.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { Coalescer } from "../sources/coalesce.ts";
import type { MeshStatus } from "../status/mesh-status.ts";
import { type ObjectStatus, objectStatus } from "../status/object-status.ts";
import { targetOf } from "./api.ts";
import type { KubeClient } from "./client.ts";
import { isKubeError } from "./kube-error.ts";
import { Lasting } from "./lasting.ts";
import { isOnlyFewer } from "./only-fewer.ts";
import { Reconciler } from "./reconciler.ts";
import { type RefusalEvents, refusalOf } from "./refusal-events.ts";
import { type StatusEntry, statusEntries } from "./status-entry.ts";
import { isSameStatus, readStatus, writtenStatus } from "./written-status.ts";

/** A status that proxies are about to change is not worth writing; one that goes on changing is, this often. In ms. */
const quietMs = 50;
const restMs = 200;

/**
 * That fewer proxies run a plugin is written once it has been so for this long: when a controller has started, or ended a
 * stream, its proxies are away for a while, and serve on as before. Twice the longest wait of an Envoy between two attempts.
 * (The log and `/debug/pluginz` tell of the moment.) In ms.
 */
export const absenceMsMax = 60_000;

export interface StatusWriterOptions {
  readonly client: Pick<KubeClient, "get" | "apply">;
  readonly events: Pick<RefusalEvents, "refused">;
  readonly clock: Clock;
  /** 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
}

/** Writes the status of objects where it changes. Nothing waits for it: what could not be written is written later. */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #reconciler: Reconciler;
  readonly #changes: Coalescer;
  readonly #absences: Lasting;
  /** By `refText`. */
  #entries: ReadonlyMap<string, StatusEntry> = new Map();

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    this.#reconciler = new Reconciler({
      ...options,
      wanted: () => [...this.#entries].flatMap(([key, entry]) => (entry.isDue ? [key] : [])),
      write: (key) => this.#write(key, this.#entries.get(key)),
      describe: (key) => `the status of ${key}`,
      restMs,
    });
    const { clock } = options;
    const onLasted = (key: string): void => {
      this.#judge(key, this.#entries.get(key));
      this.#reconciler.check();
    };
    this.#absences = new Lasting({ clock, ms: absenceMsMax, onLasted });
    this.#changes = new Coalescer({ clock, run: () => this.#reconciler.check(), quietMs, waitMsMax: restMs });
  }

  /** All objects of the source, once the control plane has them. */
  objects(objects: readonly RawObject[]): void {
    const before = this.#entries;
    this.#entries = statusEntries(objects, before);
    for (const [key, entry] of before) if (this.#entries.get(key) !== entry) this.#absences.lasts(key, false);
  }

  /** What has become of them; to be called after each change. */
  update({ plugins, problems }: Pick<MeshStatus, "plugins" | "problems">): void {
    const ofPlugins = new Map(plugins.map((status) => [refText(status.ref), status]));
    const open = Map.groupBy(problems, ({ object }) => object && refText(object));
    for (const [key, entry] of this.#entries) {
      const plugin = ofPlugins.get(key);
      if (plugin) this.#options.events.refused({ ref: plugin.ref, uid: entry.uid }, refusalOf(plugin));
      const status = entry.object.kind === "WasmPlugin" ? plugin : objectStatus(open.get(key) ?? []);
      if (status === undefined || status === entry.status) continue;
      entry.status = status;
      this.#judge(key, entry);
    }
    this.#changes.touch();
  }

  stop(): void {
    this.#changes.stop();
    this.#absences.stop();
    this.#reconciler.stop();
  }

  /** To be called when something of an entry has changed. */
  #judge(key: string, entry: StatusEntry | undefined): void {
    if (entry?.status === undefined) return;
    entry.isDue = true;
    if (entry.written === undefined) return;
    const next = this.#next(entry.status, entry, entry.written);
    const isNew = !isSameStatus(entry.written, next);
    const isFewer = isNew && isOnlyFewer(entry.written, next);
    const hasLasted = this.#absences.lasts(key, isFewer);
    entry.isDue = isNew && (!isFewer || hasLasted);
  }

  #next(status: ObjectStatus, { generation }: StatusEntry, before: WrittenStatus): WrittenStatus {
    return writtenStatus(status, { seen: generation, before, nowMs: this.#options.clock.nowMs() });
  }

  async #write(key: string, entry: StatusEntry | undefined): Promise<void> {
    if (entry?.status === undefined) return;
    const { client } = this.#options;
    const target = targetOf(entry.object);
    entry.written ??= readStatus((await client.get(target))?.["status"]);
    this.#judge(key, entry);
    if (!entry.isDue) return;
    const status = this.#next(entry.status, entry, entry.written);
    try {
      await client.apply({ ...target, subresource: "status" }, { ...entry.object, status });
    } catch (error) {
      if (!isKubeError(error, 404) && !isKubeError(error, 409)) throw error; // gone, or made anew: another object's
    }
    entry.written = status;
    this.#judge(key, entry);
  }
}
