// The hostcalls on buffers: the two configurations. Bodies, messages and TCP data come with their callbacks.
import * as BufferType from "../abi/buffer-type.ts";
import * as Status from "../abi/status.ts";
import type { ByteString } from "./bytes.ts";
import { NotEmulated } from "./errors.ts";
import type { Hostcalls, VmScope } from "./scope.ts";

export function bufferCalls(vm: VmScope): Hostcalls {
  /** The buffer; undefined where this phase does not have it. */
  function bufferOf(type: number, hostcall: string): ByteString | undefined {
    if (type === BufferType.VmConfiguration) return vm.vmConfig;
    if (type === BufferType.PluginConfiguration) return vm.configuring?.config;
    throw new NotEmulated(`${hostcall} of buffer ${type}`);
  }

  return {
    proxy_get_buffer_bytes(type: number, start: number, sizeMax: number, bytesOut: number, sizeOut: number) {
      if (!isBufferType(type)) return Status.BadArgument;
      const buffer = bufferOf(type, "proxy_get_buffer_bytes");
      if (buffer === undefined) return Status.NotFound;
      return vm.memory.give(buffer.slice(start >>> 0, (start >>> 0) + (sizeMax >>> 0)), bytesOut, sizeOut);
    },
    proxy_get_buffer_status(type: number, sizeOut: number, flagsOut: number) {
      if (!isBufferType(type)) return Status.BadArgument;
      const buffer = bufferOf(type, "proxy_get_buffer_status");
      if (buffer === undefined) return Status.NotFound;
      return vm.memory.writeWord(sizeOut, buffer.length) && vm.memory.writeWord(flagsOut, 0)
        ? Status.Ok
        : Status.InvalidMemoryAccess;
    },
  };
}

function isBufferType(type: number): boolean {
  return type >= BufferType.RequestBody && type <= BufferType.CallData;
}
