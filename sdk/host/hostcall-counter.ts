/** How often modules called the host, over all VMs of a host: a budget that a test can check. */
export class HostcallCounter {
  readonly #counts = new Map<string, number>();

  /** Counts one call. */
  add(name: string): void {
    this.#counts.set(name, this.count(name) + 1);
  }

  /** Calls of one function since the last reset, by its name in the ABI: `proxy_get_property`, `clock_time_get`. */
  count(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  /** Calls of all functions since the last reset. */
  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Calls by name. */
  get byName(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => a.localeCompare(b)));
  }

  reset(): void {
    this.#counts.clear();
  }
}
