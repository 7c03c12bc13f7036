import type { Clock } from "../ports/clock.ts";
import type { KubeObject, ObjectList, WatchEvent } from "./api.ts";
import { errorOfStatus, isKubeError } from "./kube-error.ts";

// One kind of object, followed for ever: a list says what there is, a watch says what changes from there on. A watch that
// breaks goes on from the last version that was seen; only where the server has forgotten that one (410, compacted) or has
// never known it (another etcd), all is listed anew. Whoever listens keeps what it has until the new list is whole, so
// nothing vanishes because the API server does. The library's informer ends at the first broken connection.

export interface ListWatchOptions {
  readonly list: (signal: AbortSignal) => Promise<ObjectList>;
  /** Resolves when the server has accepted; the events end when it closes, after `timeoutSeconds`. */
  readonly watch: (
    from: { readonly resourceVersion: string; readonly timeoutSeconds: number },
    signal: AbortSignal,
  ) => Promise<AsyncIterable<WatchEvent>>;
  /** All that there is: what is missing is gone, and what has another uid was made anew. */
  readonly onList: (items: readonly KubeObject[]) => void;
  readonly onEvent: (type: "ADDED" | "MODIFIED" | "DELETED", object: KubeObject) => void;
  /**
   * Something does not work; it is tried again. `undefined`: it works (again). Called at each change and each failure, but for
   * a first answer that says to come later.
   */
  readonly onHealth: (error: Error | undefined) => void;
  readonly clock: Clock;
  /** 0 to 1. */
  readonly random: () => number;
}

/** A watch is asked to end after this long, so that the watches of many controllers move to a new API server. In s. */
const watchSecondsMin = 240;
/**
 * A watch without a byte for this long may be dead, whatever TCP says, and is opened anew; it may as well be that nothing
 * has happened. Bookmarks come each 60 s, but none before the server's cache of the kind is past the version that the watch
 * began at (Kubernetes 1.37, `cacheWatcher.process`); where nothing changes, that is when etcd next tells it of others'
 * changes: after 10 minutes by default. In ms.
 */
export const silenceMsMax = 90_000;
/** Waits between attempts double from the first to the second, in ms; each is cut by up to half, so that many spread. */
const backoffMsMin = 250;
const backoffMsMax = 10_000;
/** A watch that the server ends sooner, with nothing said, counts as failed. In ms. */
const watchMsMin = 1000;

/** Follows one kind of object from {@link ListWatch.start} to {@link ListWatch.stop}. */
export class ListWatch {
  readonly #options: ListWatchOptions;
  #stage: "new" | "running" | "stopped" = "new";
  /** Ends what is going on: a list, a watch or a wait. */
  #attempt = new AbortController();
  /** Where the next watch goes on; `undefined`: list first. */
  #from: string | undefined;
  /** In a row. */
  #failures = 0;
  #isWell = false;
  /** Nothing was heard since the last list. */
  #isFresh = false;

  constructor(options: ListWatchOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#stage !== "new") return;
    this.#stage = "running";
    void this.#run();
  }

  /** Nothing is called any more, whatever was going on. */
  stop(): void {
    this.#stage = "stopped";
    this.#attempt.abort();
  }

  async #run(): Promise<void> {
    while (!this.#isStopped()) {
      const attempt = new AbortController();
      this.#attempt = attempt;
      try {
        this.#from ??= await this.#list(attempt.signal);
        if (!this.#isStopped()) await this.#watch(this.#from, attempt);
      } catch (error) {
        const fault: unknown = attempt.signal.aborted ? attempt.signal.reason : error;
        if (!this.#isStopped() && !(fault instanceof Silence)) await this.#failed(fault);
      }
    }
  }

  #isStopped(): boolean {
    return this.#stage === "stopped";
  }

  async #list(signal: AbortSignal): Promise<string> {
    const { items, resourceVersion } = await this.#options.list(signal);
    if (!this.#isStopped()) this.#options.onList(items);
    this.#isFresh = true;
    return resourceVersion;
  }

  /** To the end of one connection. */
  async #watch(resourceVersion: string, attempt: AbortController): Promise<void> {
    const { clock, random, watch } = this.#options;
    const startedAtMs = clock.nowMs();
    const timeoutSeconds = Math.round(watchSecondsMin * (1 + random()));
    const limit = (fault: Error): (() => void) => clock.after(silenceMsMax, () => attempt.abort(fault));
    let cancel = limit(new Unanswered());
    let isHeard = false;
    try {
      const events = await watch({ resourceVersion, timeoutSeconds }, attempt.signal);
      cancel();
      cancel = limit(new Silence());
      this.#well();
      for await (const event of events) {
        if (this.#isStopped()) return;
        cancel();
        cancel = limit(new Silence());
        this.#take(event);
        isHeard = true;
      }
      if (!isHeard && clock.nowMs() - startedAtMs < watchMsMin) throw new EndedAtOnce();
    } finally {
      cancel();
      if (clock.nowMs() - startedAtMs >= watchMsMin) {
        this.#failures = 0;
        this.#isFresh = false;
      }
    }
  }

  #take({ type, object }: WatchEvent): void {
    if (type === "ERROR") throw errorOfStatus(object, 500) ?? new Error("the watch reported an error");
    if (type !== "BOOKMARK") this.#options.onEvent(type, object);
    this.#from = object.metadata.resourceVersion ?? this.#from;
    this.#failures = 0;
    this.#isFresh = false;
  }

  #well(): void {
    if (!this.#isWell) this.#options.onHealth(undefined);
    this.#isWell = true;
  }

  async #failed(error: unknown): Promise<void> {
    const { random, onHealth } = this.#options;
    const fault = error instanceof Error ? error : new Error(String(error));
    if (this.#from !== undefined && needsList(fault)) {
      this.#from = undefined;
      if (!this.#isFresh) return; // what a server forgets in time is no trouble; what it has just said is
    }
    // asked once to come later, as by a server that makes ready for a changed definition: that is no trouble yet
    if (!isKubeError(fault, 429) || this.#failures > 0) {
      this.#isWell = false;
      onHealth(fault);
    }
    const backoffMs = Math.min(backoffMsMax, backoffMsMin * 2 ** this.#failures) * (1 - random() / 2);
    this.#failures += 1;
    const askedMs = isKubeError(fault) ? (fault.retryAfterMs ?? 0) : 0;
    await this.#pause(Math.max(backoffMs, askedMs));
  }

  #pause(ms: number): Promise<void> {
    const wait = new AbortController();
    this.#attempt = wait;
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(ms, resolve);
      wait.signal.addEventListener("abort", () => {
        cancel();
        resolve();
      });
    });
  }
}

/** No trouble in itself: whether the server is there, the next watch will show. */
class Silence extends Error {}

class Unanswered extends Error {
  override message = `the API server did not answer a watch for ${silenceMsMax / 1000} s`;
}

class EndedAtOnce extends Error {
  override message = "the API server ended a watch at once";
}

/** Whether a watch can't go on where it was: the version is too old, unknown, or the kind is served no more as it was. */
function needsList(error: Error): boolean {
  if (!isKubeError(error)) return false;
  const { code } = error;
  return code >= 400 && code !== 429 && (code < 500 || code === 504); // 504: a version that this server has yet to reach
}
