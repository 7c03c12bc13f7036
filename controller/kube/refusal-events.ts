import type { Ref } from "../model/object.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { PluginStatus } from "../status/plugin-status.ts";
import type { KubeClient } from "./client.ts";
import { Reconciler } from "./reconciler.ts";

const events = { group: "events.k8s.io", version: "v1", plural: "events" };

/** Kubernetes' limit, in characters. */
const noteMax = 1024;

/** Refusals that are remembered; beyond it the oldest is a new one when it comes again. */
const knownMax = 500;

/** Why a plugin is not in force as it is written. */
export interface PluginRefusalEvent {
  /** One for the same refusal by many proxies, and when it comes again. */
  readonly key: string;
  /** One word. */
  readonly reason: string;
  readonly note: string;
}

/** `undefined` where all is as configured. */
export function refusalOf({ conditions, refusal }: PluginStatus): PluginRefusalEvent | undefined {
  const degraded = conditions.find(({ type, status }) => type === "Degraded" && status === "True");
  if (degraded === undefined) return undefined;
  const invalid = conditions.find(({ type, status }) => type === "Accepted" && status === "False");
  const note = [...(invalid ? [invalid.message] : []), degraded.message].join("\n");
  const what = degraded.reason === "Refused" ? `${refusal?.slot} ${refusal?.reason}` : note;
  return { key: `${degraded.reason} ${what}`, reason: degraded.reason, note: note.slice(0, noteMax) };
}

export interface RefusalEventsOptions {
  readonly client: Pick<KubeClient, "create" | "mergePatch">;
  /** Name of this controller. */
  readonly controller: string;
  readonly clock: Clock;
  /** 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
}

interface Entry {
  readonly name: string;
  readonly regarding: { readonly ref: Ref; readonly uid: string };
  readonly refusal: PluginRefusalEvent;
  readonly firstMs: number;
  lastMs: number;
  count: number;
  /** Count that the API server holds. */
  written: number;
}

/** Tells refusals as Events: each once, with a count of how often it came up. */
export class RefusalEvents {
  readonly #options: RefusalEventsOptions;
  readonly #reconciler: Reconciler;
  /** By plugin and refusal; the oldest first. */
  readonly #entries = new Map<string, Entry>();
  /** By plugin: the refusal that stands now. */
  readonly #standing = new Map<string, string>();
  #made = 0;

  constructor(options: RefusalEventsOptions) {
    this.#options = options;
    this.#reconciler = new Reconciler({
      ...options,
      wanted: () => [...this.#entries].flatMap(([key, { count, written }]) => (count > written ? [key] : [])),
      write: (key) => this.#write(this.#entries.get(key)),
      describe: (key) => `the Event of ${key.split("\n", 1)[0]}`,
    });
  }

  /** What stands against a plugin now. The same again is nothing new, until it was over in between. */
  refused(regarding: { readonly ref: Ref; readonly uid: string }, refusal: PluginRefusalEvent | undefined): void {
    const { uid, ref } = regarding;
    if (this.#standing.get(uid) === refusal?.key) return;
    if (refusal === undefined) {
      this.#standing.delete(uid);
      return;
    }
    this.#standing.set(uid, refusal.key);
    const nowMs = this.#options.clock.nowMs();
    const key = `${uid} ${refusal.key}`;
    const known = this.#entries.get(key);
    if (known) {
      known.count += 1;
      known.lastMs = nowMs;
    } else {
      this.#made += 1;
      const name = `${ref.name.slice(0, 200)}.${nowMs.toString(16)}${this.#made.toString(16)}`;
      this.#entries.set(key, { name, regarding, refusal, firstMs: nowMs, lastMs: nowMs, count: 1, written: 0 });
    }
    for (const oldest of this.#entries.keys()) if (this.#entries.size > knownMax) this.#entries.delete(oldest);
    this.#reconciler.check();
  }

  stop(): void {
    this.#reconciler.stop();
  }

  async #write(entry: Entry | undefined): Promise<void> {
    if (entry === undefined) return;
    const { client, controller } = this.#options;
    const { name, regarding, refusal, count } = entry;
    const { namespace } = regarding.ref;
    const series = count > 1 && { series: { count, lastObservedTime: microTime(entry.lastMs) } };
    if (entry.written > 0) await client.mergePatch({ ...events, namespace, name }, { ...series });
    else
      await client.create(
        { ...events, namespace },
        {
          apiVersion: "events.k8s.io/v1",
          kind: "Event",
          metadata: { name, namespace },
          eventTime: microTime(entry.firstMs),
          reportingController: "sluice.dev/controller",
          reportingInstance: controller,
          action: "Program",
          type: "Warning",
          reason: refusal.reason,
          note: refusal.note,
          regarding: { apiVersion: "extensions.istio.io/v1alpha1", ...regarding.ref, uid: regarding.uid },
          ...series,
        },
      );
    entry.written = count;
  }
}

/** Kubernetes wants six digits after the second. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000Z");
}
