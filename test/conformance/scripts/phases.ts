// The same steps in every phase of a request.
import type { Handlers } from "../program.ts";

/** In each callback of the downstream chain's stream. */
export function inPhases(steps: string): Handlers {
  return { request_headers: steps, response_headers: steps, log: steps, done: steps };
}

/** In each callback of the upstream chain's stream, which gets no on_log. */
export function inUpstreamPhases(steps: string): Handlers {
  return { request_headers: steps, response_headers: steps, done: steps };
}

/** The property of each path in each phase of both chains. */
export function readEverywhere(...paths: readonly string[]): { readonly on: Handlers; readonly upstream: Handlers } {
  const steps = paths.map((path) => `get_property('${path}')`).join("\n");
  return { on: inPhases(steps), upstream: inUpstreamPhases(steps) };
}
