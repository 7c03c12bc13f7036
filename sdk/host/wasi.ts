// The WASI calls that Envoy carries out: output as log lines, the virtual clock, randomness, the environment. The many
// that only answer an errno are a table in `wasi-refusals.ts`.
import { randomBytes } from "node:crypto";
import * as ClockId from "../abi/clock-id.ts";
import { type ByteString, toByteString, toText, u64 } from "./bytes.ts";
import type { ThreadName } from "./log.ts";
import type { Hostcalls, VmScope } from "./scope.ts";
import { wasiRefusals } from "./wasi-refusals.ts";

/** errno of WASI preview 1. */
const Errno = { success: 0, badf: 8, fault: 21, inval: 28, nosys: 52, notsup: 58 } as const;

/** Envoy gives no more random bytes at a time. */
const randomBytesMax = 64 * 1024;

export function wasiCalls(vm: VmScope, thread: ThreadName): Hostcalls {
  const { memory } = vm;
  const { clock, log } = vm.process;
  const done = (written: boolean) => (written ? Errno.success : Errno.fault);

  function writeOutput(fd: number, vectors: number, count: number, writtenOut: number): number {
    if (fd !== 1 && fd !== 2) return Errno.badf;
    const text = gather(vm, vectors >>> 0, count >>> 0);
    if (text === undefined) return Errno.fault;
    if (text !== "") {
      const rootId = vm.context().root?.plugin.rootId;
      log.write({ level: fd === 1 ? "info" : "error", text: toText(text.replace(/\n$/, "")), thread, rootId });
    }
    return done(memory.writeWord(writtenOut, text.length));
  }

  const environment = [...vm.environment].map(([key, value]) => `${toByteString(key)}=${toByteString(value)}\0`);
  return {
    ...wasiRefusals(memory),
    fd_write: writeOutput,
    fd_pwrite: (fd: number, vectors: number, count: number, _offset: bigint, writtenOut: number) =>
      writeOutput(fd, vectors, count, writtenOut),
    fd_fdstat_get: (fd: number, out: number) => {
      if (fd !== 1 && fd !== 2) return Errno.badf;
      memory.write(out, u64(0n) + u64(64n) + u64(0n)); // 64: the right to write
      return Errno.success;
    },
    clock_time_get: (id: number, _precision: bigint, out: number) => {
      if (id === ClockId.Realtime) return done(memory.write(out, u64(clock.realtimeNs)));
      if (id === ClockId.Monotonic) return done(memory.write(out, u64(clock.monotonicNs)));
      return Errno.notsup;
    },
    clock_res_get: (id: number, out: number) =>
      id === ClockId.Realtime || id === ClockId.Monotonic ? done(memory.write(out, u64(1n))) : Errno.notsup,
    random_get: (out: number, size: number) => {
      if (size >>> 0 > randomBytesMax) return Errno.inval;
      return done(memory.write(out, toByteString(randomBytes(size >>> 0))));
    },
    environ_sizes_get: (countOut: number, sizeOut: number) =>
      done(memory.writeWord(countOut, environment.length) && memory.writeWord(sizeOut, environment.join("").length)),
    environ_get: (addressesOut: number, textsOut: number) => {
      let [slot, text] = [addressesOut >>> 0, textsOut >>> 0];
      for (const entry of environment) {
        if (!memory.writeWord(slot, text) || !memory.write(text, entry)) return Errno.fault;
        slot += 4;
        text += entry.length;
      }
      return Errno.success;
    },
    args_get: () => Errno.success,
    args_sizes_get: (countOut: number, sizeOut: number) =>
      done(memory.writeWord(countOut, 0) && memory.writeWord(sizeOut, 0)),
    poll_oneoff: (_in: number, _out: number, _count: number, eventsOut: number) => done(memory.writeWord(eventsOut, 0)),
  };
}

/** proxy_get_current_time_nanoseconds: the wall clock. */
export function clockCalls(vm: VmScope): Hostcalls {
  return {
    proxy_get_current_time_nanoseconds(out: number) {
      return vm.memory.write(out, u64(vm.process.clock.realtimeNs)) ? 0 : 6;
    },
  };
}

/** The bytes of an array of (address, size); undefined if any lies outside the memory. */
function gather(vm: VmScope, vectors: number, count: number): ByteString | undefined {
  let text = "";
  for (let i = 0; i < count; i++) {
    const address = vm.memory.readWord(vectors + 8 * i);
    const size = vm.memory.readWord(vectors + 8 * i + 4);
    if (address === undefined || size === undefined) return undefined;
    const part = vm.memory.read(address, size);
    if (part === undefined) return undefined;
    text += part;
  }
  return text;
}
