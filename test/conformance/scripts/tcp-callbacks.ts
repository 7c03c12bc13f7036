import type { Handlers } from "../program.ts";

/** Says of each callback of a connection that it came, and with how many bytes. */
export const everyCallback: Handlers = {
  context_create: "",
  new_connection: "",
  downstream_data: "",
  upstream_data: "",
  downstream_connection_close: "",
  upstream_connection_close: "",
  done: "",
  log: "",
  delete: "",
};

/** Begins the clock of a tick. */
export const tickLater = "set_tick_period_milliseconds(20)";

/** Steps of that tick, in which the connection is the effective context; of the worker's VM, the main thread's has none. */
export function inTick(steps: string): string {
  return `set_tick_period_milliseconds(0)\nset_effective_context($stream)\n${steps}`;
}
