// Whether Envoy would take a module with a configuration, without starting one.
import { ConfigRefused, NotEmulated } from "./errors.ts";
import { createProcess, load, type PluginOptions } from "./load.ts";
import type { LogLine } from "./log.ts";
import type { NodeInit } from "./node.ts";

/** What came of trying a module out. */
export interface Preflight {
  /** Why Envoy would refuse, a sentence each; empty if it would not, or if the host cannot tell. */
  readonly problems: readonly string[];
  /** What the module logged: a refused configuration is explained here. */
  readonly logs: readonly LogLine[];
  /** What the module called that the host does not do yet, so that the rest of its start is unknown. */
  readonly notEmulated: string | undefined;
}

/**
 * Loads a module and configures it in a canary, then forgets it. It does not limit time and memory: run it where a
 * module that never returns can be killed.
 */
export async function preflight(
  source: Uint8Array | string,
  options: PluginOptions & { readonly node?: NodeInit } = {},
): Promise<Preflight> {
  const process = createProcess({});
  const report = (problems: readonly string[], notEmulated?: string): Preflight => ({
    problems,
    logs: process.log.lines,
    notEmulated,
  });
  try {
    const { node = {} } = options;
    await load([{ ...options, module: source }], { process, node, listener: {}, setups: new Map() });
    return report([]);
  } catch (error) {
    if (error instanceof ConfigRefused) return report(error.problems);
    if (error instanceof NotEmulated) return report([], error.what);
    throw error;
  }
}
