// The plugins of a script: each with its place, its VM and the module that runs in it.
import type { Place } from "../../sdk/host/load.ts";
import { probeModule } from "./probe.ts";
import type { Handlers } from "./program.ts";
import type { PluginScript, Script, Swap } from "./script.ts";

/** A plugin of a script. */
export interface ScriptPlugin {
  readonly place: Place;
  readonly rootId: string;
  readonly options: PluginScript;
  readonly vmId: string;
  /** The script replaces it while it runs. */
  readonly isSwapped: boolean;
  /** Equal names, equal bytes. */
  readonly moduleName: string;
  module(): Promise<Uint8Array>;
}

/** One of them before it has its VM and module. */
interface Draft {
  readonly place: Place;
  readonly rootId: string;
  readonly options: PluginScript;
  readonly handlers: Handlers;
  readonly isSwapped?: boolean;
}

/**
 * The filter of `on` first, then the others, the upstream chain's, the access logger. One that is swapped stands behind the
 * others: Envoy loads it when it has loaded those.
 *
 * @param vmId of the script
 */
export function pluginsOf(script: Script, vmId: string): ScriptPlugin[] {
  const drafts = draftsOf(script);
  const shared = new Map(drafts.filter(({ options }) => options.vm !== "own code").map(handlersOf));
  return drafts.map((draft) => {
    const { place, rootId, options } = draft;
    const own = `${vmId}-${rootId}`;
    const isOwn = options.vm === "own code";
    const module = () =>
      isOwn ? probeModule(new Map([handlersOf(draft)])) : (script.module?.() ?? probeModule(shared));
    return {
      ...{ place, rootId, options, module, isSwapped: draft.isSwapped ?? false },
      vmId: options.vm === "own id" ? own : vmId,
      moduleName: isOwn ? own : vmId,
    };
  });
}

/** The script as it goes on after its swaps so far. */
export function swapped(script: Script, { on, plugin }: Swap): Script {
  return { ...script, ...(on && { on }), ...(plugin && { plugin }) };
}

function draftsOf({ on, module, plugin = {}, others = [], upstream, logger, requests = [] }: Script): Draft[] {
  const { rootId = "" } = plugin;
  const isSwapped = requests.some(({ swap }) => swap !== undefined);
  const first = { place: "downstream", rootId, options: plugin, handlers: on ?? {}, isSwapped } as const;
  const isThere = on !== undefined || module !== undefined;
  return [
    ...(isThere && !isSwapped ? [first] : []),
    ...others.map((one) => ({ place: one.place ?? "downstream", rootId: one.rootId, options: one, handlers: one.on })),
    ...(isThere && isSwapped ? [first] : []),
    ...(upstream ? [{ place: "upstream", rootId: "upstream", options: plugin, handlers: upstream } as const] : []),
    ...(logger ? [{ place: "access log", rootId: "logger", options: plugin, handlers: logger } as const] : []),
  ];
}

function handlersOf({ rootId, handlers }: Draft): [rootId: string, handlers: Handlers] {
  return [rootId, handlers];
}
