import * as ClockId from "../abi/clock-id";
import { OUT_LONG } from "./host-memory";
import { clock_time_get } from "./wasi_snapshot_preview1";

/** Nanoseconds since some moment, never stepping back: for measuring. */
export function monotonicNs(): u64 {
  return read(ClockId.Monotonic);
}

/** Nanoseconds since 1970: for telling others. It may step. */
export function realtimeNs(): u64 {
  return read(ClockId.Realtime);
}

function read(clock: i32): u64 {
  clock_time_get(clock, 1, OUT_LONG);
  return load<u64>(OUT_LONG);
}
