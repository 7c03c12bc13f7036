import * as Level from "../abi/log-level";
import { proxy_get_log_level, proxy_log } from "./env";
import { FIRST, OUT_WORD } from "./host-memory";
import { Status } from "./status";

/** Envoy's logger `wasm`, where it puts the plugin's name before each line. */
export enum LogLevel {
  Trace = Level.Trace,
  Debug = Level.Debug,
  Info = Level.Info,
  Warn = Level.Warn,
  Error = Level.Error,
  Critical = Level.Critical,
}

/** Envoy's level, as it was when it was first asked for in this callback; -1 before. It can change at any time. */
let known: i32 = -1;

/** Called at the start of each callback. @internal */
export function forgetLevel(): void {
  known = -1;
}

/**
 * Whether a line of this level is logged. The build puts this question before each statement `log.debug(...)` of a filter, and
 * so on, so that the text of a line that is not logged is never put together.
 */
export function logs(level: LogLevel): bool {
  if (known < 0) {
    known = proxy_get_log_level(OUT_WORD) == Status.Ok ? load<i32>(OUT_WORD) : LogLevel.Trace; // whoever can't ask logs
  }
  return known <= <i32>level;
}

/** Logs a line that follows what happens step by step; Envoy leaves it out unless told otherwise. */
export function trace(message: string): void {
  write(LogLevel.Trace, message);
}

/** Logs a line for who looks for a fault. */
export function debug(message: string): void {
  write(LogLevel.Debug, message);
}

/** Logs a line of the usual course. */
export function info(message: string): void {
  write(LogLevel.Info, message);
}

/** Logs what is odd, and went well. */
export function warn(message: string): void {
  write(LogLevel.Warn, message);
}

/** Logs what failed. */
export function error(message: string): void {
  write(LogLevel.Error, message);
}

/** Logs what ends the plugin. */
export function critical(message: string): void {
  write(LogLevel.Critical, message);
}

function write(level: LogLevel, message: string): void {
  if (!logs(level)) return;
  const m = FIRST.text(message);
  proxy_log(level, m.ptr, m.size);
}
