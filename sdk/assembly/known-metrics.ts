// Envoy keeps a metric as long as there is a VM of a module that has defined it, in whichever thread (seen in 1.40). So, when
// a module is swapped, a counter that the new one has not used before the old one ends would start again from 0. What VMs define
// is therefore noted in shared data, and a new VM defines all of it when its configuration was good: the old one lives still. The
// first one to do so, in the main thread, takes milliseconds for each, in which Envoy looks for tags in the name; the others find it.
//
// The notes are a log in chunks, each under a key of its own. A VM reads on in it where it has stopped, and writes at its end:
// a metric costs a read and a write of the last chunk, whose size does not depend on how many there are; where another VM was
// faster, both again. A chunk of CHUNK bytes and more is full, and the next one begins. A new layout begins empty, which costs
// what a restart of Envoy does: counters begin at 0.
// Names that follow each other are nearly the same (the metrics of one set of labels), so each begins with bytes of the last one:
//
//   as often as there are metrics: u8 type, u16 bytes from the name before, u16 other bytes, those bytes
import { proxy_define_metric, proxy_enqueue_shared_queue, proxy_get_shared_data, proxy_set_shared_data } from "./env";
import { FIRST, OUT_PTR, OUT_SIZE, OUT_WORD, SECOND, valuePtr, valueSize } from "./host-memory";
import * as log from "./log";
import { Queue, registerQueue } from "./queue";
import { onConfigured } from "./registry";
import { IF_ABSENT } from "./shared-data";
import { Status } from "./status";

/** Bytes of a metric before those of its name. */
const HEAD: u32 = 5;

const CHUNK: u32 = 4096;

/**
 * What goes beyond it is not noted. The cost is time: a swap takes Envoy's main thread 3 ms for a metric with Istio's labels, and
 * endpoints, routes and probes wait so long. A set of them takes 1.1 KiB with its six metrics, so that some 230 have room, in at most
 * some 4 s. The others begin again at 0 after a swap, which Prometheus takes for what it is.
 */
const NOTED_MAX: u32 = 256 * 1024;

/** So often others may come between. A host that says so for ever must not hold the thread. */
const TRIES: i32 = 100;

/** The chunk that this VM has come to, and how many of its bytes it has read. */
let chunk: u32 = 0;
let read: u32 = 0;

/** Bytes of all notes; NOTED_MAX, so that nothing more is read or written, after one that can't be read. */
let noted: u32 = 0;

/** The name before: what the next one begins with. */
let last: usize = 0;
let lastSize: u32 = 0;
let lastRoom: u32 = 0;

/** Hashes of what is noted. */
let known: usize = 0;
let knownCount: u32 = 0;

let hasLeftOut: bool = false;

/** Whether a configuration was good. A canary that is refused must not take the main thread's time for what others have noted. */
let isConfigured: bool = false;

/** What was defined before, to be noted then. As often as there are metrics: u8 type, u32 bytes of the name, those bytes. */
let early: usize = 0;
let earlySize: u32 = 0;

/** Notes a metric that this VM has defined, now or when it is configured. */
export function noteMetric(type: i32, name: usize, size: u32): void {
  if (isDefined(OVERRIDES_onConfigure) && !isConfigured) keep(type, name, size);
  else note(type, name, size);
}

function keep(type: i32, name: usize, size: u32): void {
  early = renewed(early, earlySize + HEAD + size);
  const at = early + earlySize;
  store<u8>(at, type);
  store<u32>(at, size, 1);
  memory.copy(at + HEAD, name, size);
  earlySize += HEAD + size;
}

function note(type: i32, name: usize, size: u32): void {
  const hash = hashOf(type, name, size);
  if (isKnown(hash)) return;
  for (let i = 0; i < TRIES; i++) {
    const cas = readOn();
    if (isKnown(hash) || append(type, name, size, cas) != Status.CasMismatch) return;
  }
}

/** At the end of a configuration: if it is good, defines what other VMs, most of them before this one, have defined. */
export function shareMetrics(isGood: bool): void {
  const isListener = isAsked;
  isAsked = false;
  if (!isGood) return;
  isConfigured = true;
  const queue = isListener ? registerQueue("sluice/metrics") : null;
  readOn();
  for (let at: u32 = 0; at < earlySize; at += HEAD + load<u32>(early + at, 1))
    note(load<u8>(early + at), early + at + HEAD, load<u32>(early + at, 1));
  earlySize = 0;
  if (queue != null) news = queue.id; // what this VM has noted is no news for itself
}

/** Whether the plugin that is being configured takes over metrics. */
let isAsked: bool = false;

/** The queue that has an item for each metric that is noted; 0 for none. */
let news: u32 = 0;

/**
 * For a plugin that defines metrics at the end of requests, to be called in `onConfigure`: a VM whose module was swapped may do
 * so until its last request is over, and its metrics go with it. When the configuration is good, `onQueueReady` is called for
 * each that any VM of this vm_id defines, and is to call `takeOverMetric`.
 */
export function takeOverMetrics(): void {
  isAsked = true;
  onConfigured(shareMetrics);
}

/**
 * To be called first in `onQueueReady` of a plugin that calls `takeOverMetrics`: where the queue is the one with news of metrics,
 * defines those that other VMs have defined, so that their values stay when those VMs end.
 *
 * @returns false, and nothing is done, for any other queue, whose items are the plugin's
 */
export function takeOverMetric(queue: Queue): bool {
  if (queue.id != news) return false;
  for (let i = 0; i < TRIES; i++) if (queue.dequeue() == null) break; // nobody may have heard of some
  readOn();
  return true;
}

/** Reads to the end of the log. Returns the version of the last chunk, which is then the host's last value, for a compare-and-swap. */
function readOn(): u32 {
  while (noted < NOTED_MAX && fetch()) {
    const cas = load<u32>(OUT_WORD);
    const size = <u32>valueSize();
    while (read < size) read += define(valuePtr() + read, size - read);
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

/**
 * Defines the metric that is noted here. Returns the bytes of the note: all that are left, and nothing is noted any more, if it is
 * none, since what follows can't be told.
 */
function define(at: usize, left: u32): u32 {
  if (left >= HEAD) {
    const type = load<u8>(at);
    const same: u32 = load<u16>(at, 1);
    const rest: u32 = load<u16>(at, 3);
    const size = HEAD + rest;
    if (size <= left && same <= lastSize && noted + size <= NOTED_MAX) {
      take(type, same, at + HEAD, rest);
      proxy_define_metric(type, last, lastSize, OUT_WORD);
      return size;
    }
  }
  noted = NOTED_MAX;
  leaveOut("notes of metrics are broken");
  return left;
}

/** Writes a metric behind the chunk that was just read, if there is room for it. */
function append(type: i32, name: usize, size: u32, cas: u32): Status {
  const same = sameAsLast(name, size);
  const rest = size - same;
  if (size > u16.MAX_VALUE || noted + HEAD + rest > NOTED_MAX) {
    leaveOut("no room for notes of more metrics");
    return Status.BadArgument;
  }
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
    if (!chunk && !before) log.info("all metrics begin at 0: none in " + keyOf(0));
  }
  return status;
}

/** Says once that metrics are left out. */
function leaveOut(why: string): void {
  if (hasLeftOut) return;
  hasLeftOut = true;
  log.warn(why + ": a swap begins them at 0");
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
