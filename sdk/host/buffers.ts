// The hostcalls on buffers: the two configurations, and the bodies that a stream's filter has in its hands.
import * as BufferType from "../abi/buffer-type.ts";
import * as Status from "../abi/status.ts";
import type { ByteString } from "./bytes.ts";
import type { Chunk } from "./passage.ts";
import type { Hostcalls, VmScope } from "./scope.ts";

export function bufferCalls(vm: VmScope): Hostcalls {
  /** What there is to read; undefined where this phase does not have the buffer. One of a stream is then empty. */
  function bytesOf(type: number): ByteString | undefined {
    if (type === BufferType.VmConfiguration) return vm.vmConfig;
    if (type === BufferType.PluginConfiguration) return vm.configuring?.config;
    if (type === BufferType.CallData) return vm.configuring?.config ?? "";
    if (isOfStream(type)) return vm.context().stream?.buffer(type)?.bytes ?? "";
    const received = vm.context().root?.received?.buffers?.[type];
    return type === BufferType.GrpcMessage ? (received ?? "") : received;
  }

  return {
    /** ABI 0.1.0. */
    proxy_get_configuration(bytesOut: number, sizeOut: number) {
      return vm.memory.give(vm.configuring?.config ?? "", bytesOut, sizeOut);
    },
    proxy_get_buffer_bytes(type: number, start: number, sizeMax: number, bytesOut: number, sizeOut: number) {
      if (!isBufferType(type)) return Status.BadArgument;
      const buffer = bytesOf(type);
      if (buffer === undefined) return Status.NotFound;
      return vm.memory.give(buffer.slice(start >>> 0, (start >>> 0) + (sizeMax >>> 0)), bytesOut, sizeOut);
    },
    proxy_get_buffer_status(type: number, sizeOut: number, flagsOut: number) {
      if (!isBufferType(type)) return Status.BadArgument;
      const buffer = bytesOf(type);
      if (buffer === undefined) return Status.NotFound;
      return vm.memory.writeWord(sizeOut, buffer.length) && vm.memory.writeWord(flagsOut, 0)
        ? Status.Ok
        : Status.InvalidMemoryAccess;
    },
    proxy_set_buffer_bytes(type: number, start: number, size: number, address: number, bytesSize: number) {
      if (!isBufferType(type)) return Status.BadArgument;
      if (bytesOf(type) === undefined) return Status.NotFound;
      const bytes = vm.memory.read(address, bytesSize);
      if (bytes === undefined) return Status.InvalidMemoryAccess;
      const chunk = isOfStream(type) ? vm.context().stream?.buffer(type) : undefined;
      return chunk === undefined ? Status.BadArgument : replace(chunk, start >>> 0, { size: size >>> 0, bytes });
    },
  };
}

/** From the front bytes can be replaced, behind the end they are appended; in between nothing can be done. */
function replace(chunk: Chunk, start: number, by: { readonly size: number; readonly bytes: ByteString }): number {
  if (start === 0) chunk.bytes = by.bytes + chunk.bytes.slice(by.size);
  else if (start >= chunk.bytes.length) chunk.bytes += by.bytes;
  else return Status.BadArgument;
  return Status.Ok;
}

function isOfStream(type: number): boolean {
  return type >= BufferType.RequestBody && type <= BufferType.UpstreamData;
}

function isBufferType(type: number): boolean {
  return type >= BufferType.RequestBody && type <= BufferType.CallData;
}
