// proxy_log and proxy_get_log_level.
import * as Status from "../abi/status.ts";
import { toText } from "./bytes.ts";
import type { Hostcalls, VmScope } from "./scope.ts";

/** Names of the levels, by number in the ABI. */
export const logLevels = ["trace", "debug", "info", "warn", "error", "critical"] as const;
/** From "trace" to "critical", as Envoy has them. */
export type LogLevel = (typeof logLevels)[number];

/** Which VM: the base VM that only loads, the canary that tries the configuration, the main thread's, a worker's. */
export type ThreadName = "base" | "canary" | "main" | number;

/** A line that a module, or Envoy's VM, has logged. */
export interface LogLine {
  readonly level: LogLevel;
  readonly text: string;
  readonly thread: ThreadName;
  /** `root_id` of the plugin that wrote it; undefined outside any plugin. */
  readonly rootId: string | undefined;
}

/** What modules and the host's VMs logged, from Envoy's log level upwards. */
export class Log {
  readonly level: LogLevel;
  readonly lines: LogLine[] = [];

  constructor(level: LogLevel) {
    this.level = level;
  }

  get levelNumber(): number {
    return logLevels.indexOf(this.level);
  }

  write(line: LogLine): void {
    if (logLevels.indexOf(line.level) >= this.levelNumber) this.lines.push(line);
  }
}

export function logCalls(vm: VmScope, thread: ThreadName): Hostcalls {
  return {
    proxy_log(level: number, address: number, size: number) {
      const name = logLevels[level];
      if (name === undefined) return Status.BadArgument;
      const text = vm.memory.read(address, size);
      if (text === undefined) return Status.InvalidMemoryAccess;
      const rootId = vm.context().root?.plugin.rootId;
      vm.process.log.write({ level: name, text: toText(text), thread, rootId });
      return Status.Ok;
    },
    proxy_get_log_level(levelOut: number) {
      return vm.memory.writeWord(levelOut, vm.process.log.levelNumber) ? Status.Ok : Status.InvalidMemoryAccess;
    },
  };
}
