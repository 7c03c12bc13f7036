import { type Ref, refText } from "../model/object.ts";
import { fieldsOf, identityOf, type RawObject } from "../model/raw-object.ts";
import type { WrittenStatus } from "../model/written-status.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { Coalescer } from "../sources/coalesce.ts";
import type { PluginStatus } from "../status/plugin-status.ts";
import type { KubeClient } from "./client.ts";
import { isKubeError } from "./kube-error.ts";
import { Lasting } from "./lasting.ts";
import { isOnlyFewer } from "./only-fewer.ts";
import { Reconciler } from "./reconciler.ts";
import { type RefusalEvents, refusalOf } from "./refusal-events.ts";
import { isSameStatus, readStatus, writtenStatus } from "./written-status.ts";

const apiVersion = "extensions.istio.io/v1alpha1";
const wasmPlugins = { group: "extensions.istio.io", version: "v1alpha1", plural: "wasmplugins" };

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

/** A WasmPlugin of the cluster. */
interface Entry {
  readonly ref: Ref;
  readonly uid: string;
  /** Generation of the newest object. */
  seen: number | undefined;
  /** Absent until the first check of it is over. */
  status: PluginStatus | undefined;
  /** What the API server holds; absent: not known yet. */
  written: WrittenStatus | undefined;
  /** Whether something is to be written, or first to be read. */
  isDue: boolean;
}

/** Writes the status of WasmPlugins where it changes. Nothing waits for it: what could not be written is written later. */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #reconciler: Reconciler;
  readonly #changes: Coalescer;
  readonly #absences: Lasting;
  /** By `refText`. */
  #entries: ReadonlyMap<string, Entry> = new Map();

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
    this.#entries = new Map(
      objects.flatMap(({ value }): [string, Entry][] => {
        const identity = identityOf(value);
        if (identity?.kind !== "WasmPlugin" || identity.group !== wasmPlugins.group) return [];
        const { namespace, name } = identity;
        const ref: Ref = { kind: "WasmPlugin", namespace, name };
        const { uid, generation } = fieldsOf(fieldsOf(value)["metadata"]);
        const known = before.get(refText(ref));
        const isSame = known !== undefined && known.uid === uid; // one that was made anew has no status yet
        const fresh = { ref, uid: String(uid), status: undefined, written: undefined, isDue: false };
        const entry: Entry = isSame ? known : { ...fresh, seen: undefined };
        entry.seen = typeof generation === "number" ? generation : undefined;
        return [[refText(ref), entry]];
      }),
    );
    for (const [key, entry] of before) if (this.#entries.get(key) !== entry) this.#absences.lasts(key, false);
  }

  /** What has become of the plugins; to be called after each change. */
  update(plugins: readonly PluginStatus[]): void {
    for (const status of plugins) {
      const key = refText(status.ref);
      const entry = this.#entries.get(key);
      if (entry === undefined) continue; // of no object: built-in telemetry
      entry.status = status;
      this.#judge(key, entry);
      this.#options.events.refused(entry, refusalOf(status));
    }
    this.#changes.touch();
  }

  stop(): void {
    this.#changes.stop();
    this.#absences.stop();
    this.#reconciler.stop();
  }

  /** To be called when something of an entry has changed. */
  #judge(key: string, entry: Entry | undefined): void {
    if (entry?.status === undefined) return;
    entry.isDue = true;
    if (entry.written === undefined) return;
    const next = this.#next(entry.status, entry, entry.written);
    const isNew = !isSameStatus(entry.written, next);
    const isFewer = isNew && isOnlyFewer(entry.written, next);
    const hasLasted = this.#absences.lasts(key, isFewer);
    entry.isDue = isNew && (!isFewer || hasLasted);
  }

  #next(status: PluginStatus, { seen }: Entry, before: WrittenStatus): WrittenStatus {
    return writtenStatus(status, { seen, before, nowMs: this.#options.clock.nowMs() });
  }

  async #write(key: string, entry: Entry | undefined): Promise<void> {
    if (entry?.status === undefined) return;
    const { client } = this.#options;
    const { ref, uid } = entry;
    const target = { ...wasmPlugins, namespace: ref.namespace, name: ref.name };
    entry.written ??= readStatus((await client.get(target))?.["status"]);
    this.#judge(key, entry);
    if (!entry.isDue) return;
    const status = this.#next(entry.status, entry, entry.written);
    const metadata = { name: ref.name, namespace: ref.namespace, uid };
    try {
      await client.apply({ ...target, subresource: "status" }, { apiVersion, kind: ref.kind, metadata, status });
    } catch (error) {
      if (!isKubeError(error, 404) && !isKubeError(error, 409)) throw error; // gone, or made anew: another object's
    }
    entry.written = status;
    this.#judge(key, entry);
  }
}
