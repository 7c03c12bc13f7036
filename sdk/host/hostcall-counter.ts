import type { TracedHostcall } from "./hostcall-trace.ts";

/** How modules called the host, over all VMs of a host: how often, a budget that a test can check, and with what. */
export class HostcallCounter {
  readonly #counts = new Map<string, number>();
  #trace: TracedHostcall[] | undefined;

  /** Counts one call. @internal */
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

  /** Counts from 0 on. */
  reset(): void {
    this.#counts.clear();
  }

  /** Does something, such as a request, and says which calls that brought, in order. Without it nothing is noted but the counts. */
  trace(action: () => void): readonly TracedHostcall[] {
    const trace: TracedHostcall[] = [];
    this.#trace = trace;
    try {
      action();
    } finally {
      this.#trace = undefined;
    }
    return trace;
  }

  /** Whether calls are traced now. @internal */
  get isTracing(): boolean {
    return this.#trace !== undefined;
  }

  /** Makes a call that is traced. @param args what it is given @internal */
  traced(name: string, args: TracedHostcall["args"], call: () => number | undefined): number | undefined {
    let status: number | undefined;
    try {
      status = call();
      return status;
    } finally {
      this.#trace?.push({ name, args, status });
    }
  }
}
