// The plugins of one request or connection: those in force when it began, until it is over.
import type { FilterRoot } from "./filter-manager.ts";
import { HeaderMap } from "./header-map.ts";
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

  /**
   * Roots of the plugins of one place, in their order; without those that the stream passes by.
   *
   * @param headers of the request, which say for which of them it is; none of a TCP connection
   */
  *roots(place: Place, headers = new HeaderMap("request")): Generator<Root, undefined> {
    for (const plugin of this.plugins) {
      if (plugin.place !== place || plugin.when?.(headers) === false) continue;
      const root = this.#root(plugin);
      if (root !== undefined) yield root;
    }
  }

  /** The same for a chain of HTTP filters, where some are chosen only when the request comes to them. */
  *filters(place: Place): Generator<FilterRoot, undefined> {
    for (const plugin of this.plugins) {
      const { when } = plugin;
      if (plugin.place !== place) continue;
      const root = when === undefined ? this.#root(plugin) : undefined;
      if (when !== undefined) yield (headers) => (when(headers) ? this.#root(plugin) : undefined);
      else if (root !== undefined) yield root;
    }
  }

  end(): void {
    for (const root of this.#held) root.streams -= 1;
  }

  #root(plugin: LoadedPlugin): Root | undefined {
    const root = this.#thread.root(plugin);
    if (root === undefined || this.#held.has(root)) return root;
    this.#held.add(root);
    root.streams += 1;
    return root;
  }
}
