import * as Level from "../abi/log-level";
import { proxy_get_log_level, proxy_log } from "./env";
import { FIRST, OUT_WORD } from "./host-memory";

/** Envoy's logger `wasm`, where it puts the plugin's name before each line. */
export enum LogLevel {
  Trace = Level.Trace,
  Debug = Level.Debug,
  Info = Level.Info,
  Warn = Level.Warn,
  Error = Level.Error,
  Critical = Level.Critical,
}

/** Whether a line of this level is logged: ask before you put an expensive one together. The level can change any time. */
export function logs(level: LogLevel): bool {
  proxy_get_log_level(OUT_WORD);
  return load<u32>(OUT_WORD) <= <u32>level;
}

export function trace(message: string): void {
  write(LogLevel.Trace, message);
}

export function debug(message: string): void {
  write(LogLevel.Debug, message);
}

export function info(message: string): void {
  write(LogLevel.Info, message);
}

export function warn(message: string): void {
  write(LogLevel.Warn, message);
}

export function error(message: string): void {
  write(LogLevel.Error, message);
}

export function critical(message: string): void {
  write(LogLevel.Critical, message);
}

function write(level: LogLevel, message: string): void {
  if (!logs(level)) return;
  const m = FIRST.text(message);
  proxy_log(level, m.ptr, m.size);
}
