// Envoy forgets a metric with the last VM that has defined it (seen in 1.40). So, when a module is swapped, a counter that
// the new one has not used before the old one ends would start again from 0. What a VM defines is therefore noted in shared
// data, and a new VM defines all of it when it is configured: the old one lives still.
//
//   as often as there are metrics: u8 type, u16 size of the name, the name
import { proxy_define_metric } from "./env";
import { OUT_WORD } from "./host-memory";
import { getSharedData, IF_ABSENT, setSharedData } from "./shared-data";
import { Status } from "./status";

/** A function, since a constant would be in every module, as a root of the collector. */
function key(): string {
  return "sluice/metrics/1";
}

/** Bytes of a metric before its name. */
const HEAD: i32 = 3;

/** What goes beyond it is not noted, so that nothing grows with each swap: some 200 metrics with Istio's labels. */
const SIZE_MAX: i32 = 64 * 1024;

/** So often others may come between. A host that says so for ever must not hold the thread. */
const TRIES: i32 = 100;

/** Notes a metric that this VM has defined. */
export function noteMetric(type: i32, name: usize, size: i32): void {
  for (let i = 0; i < TRIES; i++) {
    const known = getSharedData(key());
    const before = known == null ? new Uint8Array(0) : known.bytes;
    const end = before.length;
    if (has(before, type, name, size) || end + HEAD + size > SIZE_MAX) return;
    const after = new Uint8Array(end + HEAD + size);
    const at = after.dataStart;
    memory.copy(at, before.dataStart, end);
    store<u8>(at + end, type);
    store<u16>(at + end, size, 1);
    memory.copy(at + end + HEAD, name, size);
    if (setSharedData(key(), after, known == null ? IF_ABSENT : known.cas) != Status.CasMismatch) return;
  }
}

/** Defines what VMs before this one have defined. */
export function defineKnownMetrics(): void {
  const known = getSharedData(key());
  if (known == null) return;
  const end = known.bytes.dataStart + known.bytes.length;
  for (let at = known.bytes.dataStart; at < end; at += HEAD + load<u16>(at, 1)) {
    proxy_define_metric(load<u8>(at), at + HEAD, load<u16>(at, 1), OUT_WORD);
  }
}

function has(known: Uint8Array, type: i32, name: usize, size: i32): bool {
  const end = known.dataStart + known.length;
  for (let at = known.dataStart; at < end; at += HEAD + load<u16>(at, 1)) {
    const isSame = load<u8>(at) == type && load<u16>(at, 1) == size;
    if (isSame && memory.compare(at + HEAD, name, size) == 0) return true;
  }
  return false;
}
