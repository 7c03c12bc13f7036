import { findContext } from "./context-table";
import { HttpContext } from "./http-context";
import { Plugin } from "./plugin";
import { TcpContext } from "./tcp-context";

let create: (() => Plugin) | null = null;

/** Says what this module is, in its one line outside a class: `registerPlugin(() => new Hello())`. */
export function registerPlugin(factory: () => Plugin): void {
  create = factory;
}

let afterConfigure: ((isGood: bool) => void) | null = null;

/** Has this done at the end of each configuration, which is told whether it was good: by a part of the SDK that a filter without it need not carry. */
export function onConfigured(action: (isGood: bool) => void): void {
  afterConfigure = action;
}

export function configured(isGood: bool): void {
  const action = afterConfigure;
  if (action != null) action(isGood);
}

/** A plugin of the registered kind; null, and nothing will be configured, if there is none. */
export function createPlugin(): Plugin | null {
  const factory = create;
  return factory == null ? null : factory();
}

/** The plugin with this id; null if there is none. */
export function pluginOf(id: u32): Plugin | null {
  return findContext<Plugin>(id);
}

/** The stream with this id; null if the plugin wanted none for it. */
export function streamOf(id: u32): HttpContext | null {
  return findContext<HttpContext>(id);
}

/** The connection with this id; null if the plugin wanted none for it. */
export function connectionOf(id: u32): TcpContext | null {
  return findContext<TcpContext>(id);
}
