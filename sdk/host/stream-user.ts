// The plugins of one request or connection: those in force when it began, until it is over.
import type { LoadedPlugin, Place } from "./load.ts";
import type { Root } from "./root.ts";
import type { Thread } from "./thread.ts";

export class StreamUser {
  readonly #thread: Thread;
  readonly plugins: readonly LoadedPlugin[];
  readonly #held = new Set<Root>();

  constructor(thread: Thread, plugins: readonly LoadedPlugin[]) {
    this.#thread = thread;
    this.plugins = plugins;
  }

  /** Roots of the plugins of one place, in their order; without those that the stream passes by. */
  *roots(place: Place): Generator<Root, undefined> {
    for (const plugin of this.plugins) {
      const root = plugin.place === place ? this.#thread.root(plugin) : undefined;
      if (root === undefined) continue;
      this.#hold(root);
      yield root;
    }
  }

  end(): void {
    for (const root of this.#held) root.streams -= 1;
  }

  #hold(root: Root): void {
    if (this.#held.has(root)) return;
    this.#held.add(root);
    root.streams += 1;
  }
}
