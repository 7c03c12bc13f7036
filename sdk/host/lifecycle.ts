// Hostcalls on contexts and ticks, and Emscripten's two.
import * as Status from "../abi/status.ts";
import type { Hostcalls, VmScope } from "./scope.ts";

export function lifecycleCalls(vm: VmScope): Hostcalls {
  return {
    proxy_set_tick_period_milliseconds(periodMs: number) {
      vm.context().root?.setTickPeriod(periodMs >>> 0);
      return Status.Ok;
    },
    proxy_done() {
      return vm.context().root?.done() ? Status.Ok : Status.NotFound;
    },
    proxy_set_effective_context(id: number) {
      return vm.setEffectiveContext(id >>> 0) ? Status.Ok : Status.BadArgument;
    },
    pthread_equal(left: number, right: number) {
      return left === right ? 1 : 0;
    },
    emscripten_notify_memory_growth() {
      return undefined;
    },
  };
}
