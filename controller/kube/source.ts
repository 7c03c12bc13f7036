import type { Problem } from "../model/problem.ts";
import type { RawObject } from "../model/raw-object.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { Coalescer } from "../sources/coalesce.ts";
import type { KubeObject } from "./api.ts";
import { Follow, type WatchClient } from "./follow.ts";
import { Health } from "./health.ts";
import { builtins, definitions, type Followable, type KindName, namespaces, servedKinds } from "./resource-types.ts";

// The API server as a source. Which custom kinds it has, it says itself: their definitions are watched, too, so that one
// that is installed later is followed from then on, and one that never is troubles nobody.

/** A rollout is hundreds of events in a row: they become a few batches. In ms. */
export const quietMs = 50;
export const waitMsMax = 500;

export interface KubernetesOptions {
  readonly client: WatchClient;
  /** The custom kinds that have an effect here. */
  readonly kinds: readonly KindName[];
  /**
   * Called with everything there is: once when all of it is known, then after changes. What has not changed is the same
   * value as before.
   */
  readonly onBatch: (batch: { readonly objects: readonly RawObject[]; readonly problems: readonly Problem[] }) => void;
  /** Called when `namespaces` has something new. */
  readonly onNamespaces?: () => void;
  readonly clock: Clock;
  /** 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
}

export interface KubernetesSource {
  /** Resolves after the first batch; never, where something can't be listed: the log says what. */
  readonly synced: Promise<void>;
  /** By name, with labels and annotations; without those that are being deleted. */
  readonly namespaces: ReadonlyMap<string, KubeObject>;
  close(): void;
}

/** Starts to follow; returns at once. */
export function watchKubernetes(options: KubernetesOptions): KubernetesSource {
  return new Kubernetes(options);
}

class Kubernetes implements KubernetesSource {
  readonly synced: Promise<void>;
  readonly #options: KubernetesOptions;
  readonly #health: Health;
  readonly #coalescer: Coalescer;
  readonly #definitions: Follow;
  /** By group and plural. */
  readonly #follows = new Map<string, { readonly type: Followable; readonly follow: Follow }>();
  readonly #resolveSynced: () => void;
  #isSynced = false;
  #namespaces: ReadonlyMap<string, KubeObject> = new Map();

  constructor(options: KubernetesOptions) {
    this.#options = options;
    this.#health = new Health(options.log);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.synced = promise;
    this.#resolveSynced = resolve;
    this.#coalescer = new Coalescer({ clock: options.clock, run: () => this.#emit(), quietMs, waitMsMax });
    for (const type of builtins) this.#start(type);
    this.#definitions = this.#follow(definitions, () => this.#onDefinitions());
  }

  get namespaces(): ReadonlyMap<string, KubeObject> {
    return this.#namespaces;
  }

  close(): void {
    this.#coalescer.stop();
    this.#definitions.stop();
    for (const { follow } of this.#follows.values()) follow.stop();
  }

  #follow(type: Followable, onChange: () => void, before?: Follow): Follow {
    const { client, clock, random } = this.#options;
    const onHealth = this.#health.of(keyOf(type));
    return new Follow(type, { client, clock, random, onChange, onHealth }, before?.set);
  }

  #start(type: Followable, before?: Follow): void {
    const onChange = type === namespaces ? () => this.#onNamespaces() : () => this.#changed();
    this.#follows.set(keyOf(type), { type, follow: this.#follow(type, onChange, before) });
  }

  #onDefinitions(): void {
    const known = this.#definitions.set.objects.map(({ value }) => value);
    const served = [...builtins, ...servedKinds(known, this.#options.kinds)];
    const wanted = new Set(served.map(keyOf));
    for (const [key, { follow }] of this.#follows) {
      if (wanted.has(key)) continue;
      follow.stop();
      this.#follows.delete(key);
      this.#health.forget(key);
    }
    for (const type of served) {
      const running = this.#follows.get(keyOf(type));
      if (running?.type.version === type.version) continue;
      running?.follow.stop();
      this.#start(type, running?.follow); // what is known in the old version stays until the new one is listed
    }
    this.#changed();
  }

  #onNamespaces(): void {
    const follow = this.#follows.get(keyOf(namespaces))?.follow;
    const living = (follow?.set.objects ?? []).filter(({ value }) => value.metadata["deletionTimestamp"] === undefined);
    this.#namespaces = new Map(living.map(({ value }) => [value.metadata.name, value]));
    this.#options.onNamespaces?.();
    if (!this.#isSynced) this.#changed();
  }

  #changed(): void {
    if (this.#isSynced) this.#coalescer.touch();
    else if (this.#definitions.isListed && [...this.#follows.values()].every(({ follow }) => follow.isListed)) {
      this.#isSynced = true;
      this.#emit();
      this.#resolveSynced();
    }
  }

  #emit(): void {
    const follows = [...this.#follows.values()].filter(({ type }) => type !== namespaces);
    this.#options.onBatch({ objects: follows.flatMap(({ follow }) => follow.set.objects), problems: [] });
  }
}

/** `pods`, `gateways.networking.istio.io` */
function keyOf({ group, plural }: Followable): string {
  return group === "" ? plural : `${plural}.${group}`;
}
