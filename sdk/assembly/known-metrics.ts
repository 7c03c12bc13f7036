// Envoy keeps a metric as long as there is a VM of a module that has defined it, in whichever thread (seen in 1.40). So, when
// a module is swapped, a counter that the new one has not used before the old one ends would start again from 0. What VMs define
// is therefore noted in shared data, and a new VM defines all of it when it is configured: the old one lives still. The first
// one to do so, in the main thread, takes milliseconds for each, in which Envoy looks for tags in the name; the others find it.
//
// The notes are a log in chunks, each under a key of its own. A VM reads on in it where it has stopped, and writes at its end:
// a metric costs one small write, however many there are. A chunk of CHUNK bytes and more is full, and the next one begins.
// Names that follow each other are nearly the same (the metrics of one set of labels), so each begins with bytes of the last one:
//
//   as often as there are metrics: u8 type, u16 bytes from the name before, u16 other bytes, those bytes
import { proxy_define_metric, proxy_enqueue_shared_queue, proxy_get_shared_data, proxy_set_shared_data } from "./env";
import { FIRST, OUT_PTR, OUT_SIZE, OUT_WORD, SECOND, valuePtr, valueSize } from "./host-memory";
import { Queue, registerQueue } from "./queue";
import { IF_ABSENT } from "./shared-data";
import { Status } from "./status";

/** Bytes of a metric before those of its name. */
const HEAD: u32 = 5;

const CHUNK: u32 = 4096;

/**
 * What goes beyond it is not noted, so that nothing grows for ever. A set of Istio's labels takes 1.1 KiB with all its metrics,
 * so that 7000 have room, and 1000 also where workers come between each other's metrics and each takes its own 1.1 KiB.
 */
const NOTED_MAX: u32 = 8 * 1024 * 1024;

/** So often others may come between. A host that says so for ever must not hold the thread. */
const TRIES: i32 = 100;

/** The chunk that this VM has come to, and how many of its bytes it has read. */
let chunk: u32 = 0;
let read: u32 = 0;

/** Bytes of all notes. */
let noted: u32 = 0;

/** The name before: what the next one begins with. */
let last: usize = 0;
let lastSize: u32 = 0;
let lastRoom: u32 = 0;

/** Hashes of what is noted. */
let known: usize = 0;
let knownCount: u32 = 0;

/** Notes a metric that this VM has defined. */
export function noteMetric(type: i32, name: usize, size: u32): void {
  const hash = hashOf(type, name, size);
  if (size > u16.MAX_VALUE || isKnown(hash)) return;
  for (let i = 0; i < TRIES; i++) {
    const cas = readOn();
    if (isKnown(hash) || append(type, name, size, cas) != Status.CasMismatch) return;
  }
}

/** Defines what other VMs, most of them before this one, have defined. */
export function defineKnownMetrics(): void {
  readOn();
}

/** The queue that has an item for each metric that is noted; 0 for none. */
let news: u32 = 0;

/**
 * For a plugin that defines metrics at the end of requests, to be called in `onConfigure`: a VM whose module was swapped may do
 * so until its last request is over, and its metrics go with it. From now on `onQueueReady` is called for each that any VM of
 * this vm_id defines, and is to call `takeOverMetric`.
 */
export function takeOverMetrics(): void {
  const queue = registerQueue("sluice/metrics");
  if (queue != null) news = queue.id;
}

/** Defines in this VM, too, what is new. */
export function takeOverMetric(queue: Queue): void {
  queue.dequeue();
  readOn();
}

/** Reads to the end of the log. Returns the version of the last chunk, which is then the host's last value, for a compare-and-swap. */
function readOn(): u32 {
  while (fetch()) {
    const cas = load<u32>(OUT_WORD);
    const size = <u32>valueSize();
    while (read < size) read += define(valuePtr() + read);
    if (size < CHUNK) return cas;
    chunk++;
    read = 0;
  }
  store<u32>(OUT_SIZE, 0);
  return IF_ABSENT;
}

function fetch(): bool {
  const key = FIRST.text(keyOf(chunk));
  return proxy_get_shared_data(key.ptr, key.size, OUT_PTR, OUT_SIZE, OUT_WORD) == Status.Ok;
}

/** Defines the metric that is noted here. Returns the bytes of the note. */
function define(at: usize): u32 {
  const type = load<u8>(at);
  const rest: u32 = load<u16>(at, 3);
  take(type, load<u16>(at, 1), at + HEAD, rest);
  proxy_define_metric(type, last, lastSize, OUT_WORD);
  return HEAD + rest;
}

/** Writes a metric behind the chunk that was just read, if there is room for it. */
function append(type: i32, name: usize, size: u32, cas: u32): Status {
  const same = sameAsLast(name, size);
  const rest = size - same;
  if (noted + HEAD + rest > NOTED_MAX) return Status.BadArgument;
  const before = valueSize();
  const all = before + HEAD + rest;
  const value = SECOND.room(all);
  memory.copy(value, valuePtr(), before);
  const at = value + before;
  store<u8>(at, type);
  store<u16>(at, same, 1);
  store<u16>(at, rest, 3);
  memory.copy(at + HEAD, name + same, rest);
  const key = FIRST.text(keyOf(chunk));
  const status = proxy_set_shared_data(key.ptr, key.size, value, all, cas);
  if (status == Status.Ok) {
    take(type, same, at + HEAD, rest);
    read = <u32>all;
    if (news) proxy_enqueue_shared_queue(news, 0, 0);
  }
  return status;
}

/** The name before is now the one that begins with `same` bytes of it and goes on with these. It is known. */
function take(type: i32, same: u32, bytes: usize, rest: u32): void {
  lastSize = same + rest;
  if (lastSize > lastRoom) {
    lastRoom = lastSize * 2;
    last = renewed(last, lastRoom);
  }
  memory.copy(last + same, bytes, rest);
  noted += HEAD + rest;
  remember(hashOf(type, last, lastSize));
}

/** Bytes that a name begins with, as the one before does. */
function sameAsLast(name: usize, size: u32): u32 {
  const end = min(size, lastSize);
  let same: u32 = 0;
  while (same < end && load<u8>(name + same) == load<u8>(last + same)) same++;
  return same;
}

function remember(hash: u64): void {
  const isFull = !(knownCount & (knownCount - 1)); // there is room for 1, 2, 4, ...
  if (isFull) known = renewed(known, max(knownCount, 1) << 4);
  store<u64>(known + (knownCount++ << 3), hash);
}

function isKnown(hash: u64): bool {
  const end = known + (knownCount << 3);
  for (let at = known; at < end; at += 8) if (load<u64>(at) == hash) return true;
  return false;
}

/** FNV-1a. Who looks for collisions has a counter begin at 0 after a swap. */
function hashOf(type: i32, name: usize, size: u32): u64 {
  let hash: u64 = 0xcbf29ce484222325 ^ type;
  for (let i: u32 = 0; i < size; i++) hash = (hash ^ load<u8>(name + i)) * 0x100000001b3;
  return hash;
}

function renewed(at: usize, size: usize): usize {
  return at ? heap.realloc(at, size) : heap.alloc(size);
}

/** A function, since a constant would be in every module, as a root of the collector. */
function keyOf(chunk: u32): string {
  return "sluice/metrics/2/" + chunk.toString();
}
