import { Context } from "./context";
import { ContextTable } from "./context-table";
import { HttpContext } from "./http-context";
import { Plugin } from "./plugin";

/** The plugins of this VM, and their open streams. */
export const contexts = new ContextTable();

let create: (() => Plugin) | null = null;

/** Says what this module is, in its one line outside a class: `registerPlugin(() => new Hello())`. */
export function registerPlugin(factory: () => Plugin): void {
  create = factory;
}

let afterConfigure: (() => void) | null = null;

/** Has this done at the end of each configuration: by a part of the SDK that a filter without it need not carry. */
export function onConfigured(action: () => void): void {
  afterConfigure = action;
}

export function configured(): void {
  if (afterConfigure != null) afterConfigure!();
}

/** A plugin of the registered kind. */
export function createPlugin(): Plugin {
  return create!();
}

/** The plugin with this id; null if there is none. */
export function pluginOf(id: u32): Plugin | null {
  const context = contexts.get(id);
  return context instanceof Plugin ? <Plugin>context : null;
}

/** The stream with this id; null if the plugin wanted none for it. */
export function streamOf(id: u32): HttpContext | null {
  const context = contexts.get(id);
  return context instanceof HttpContext ? <HttpContext>context : null;
}
