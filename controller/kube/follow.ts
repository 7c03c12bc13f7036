import type { Clock } from "../ports/clock.ts";
import type { ResourceType } from "./api.ts";
import type { KubeClient, Selection } from "./client.ts";
import { ListWatch } from "./list-watch.ts";
import { ObjectSet } from "./object-set.ts";

/** The part of a KubeClient that follows objects. */
export type WatchClient = Pick<KubeClient, "list" | "watch">;

export interface FollowOptions {
  readonly client: WatchClient;
  readonly clock: Clock;
  /** 0 to 1. */
  readonly random: () => number;
  /** Called after the first list, whatever is in it, and after each change. */
  readonly onChange: () => void;
  /** See ListWatchOptions. */
  readonly onHealth: (error: Error | undefined) => void;
}

/** Follows all objects of a kind, or a selection of them, into a set, which is kept while the API server is away. */
export class Follow {
  readonly set: ObjectSet;
  readonly #listWatch: ListWatch;
  #isListed = false;

  /** @param set to go on with; by default a new one */
  constructor(
    { selection = {}, ...type }: ResourceType & { readonly selection?: Selection },
    { client, onChange, ...rest }: FollowOptions,
    set = new ObjectSet(),
  ) {
    this.set = set;
    this.#listWatch = new ListWatch({
      ...rest,
      list: (signal) => client.list(type, selection, { signal }),
      watch: (from, signal) => client.watch(type, { ...selection, ...from }, signal),
      onList: (items) => {
        const isFirst = !this.#isListed;
        this.#isListed = true;
        if (this.set.replace(items) || isFirst) onChange();
      },
      onEvent: (event, object) => {
        if (this.set.take(event, object)) onChange();
      },
    });
    this.#listWatch.start();
  }

  /** Whether all that there was at some moment is in the set. */
  get isListed(): boolean {
    return this.#isListed;
  }

  stop(): void {
    this.#listWatch.stop();
  }
}
