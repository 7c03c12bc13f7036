// A module that does what its configuration says, and logs what came of it. Each line of the configuration is a
// callback and its steps: `R: get 0 :path; replace 0 x-a 1; return 0`. Words are separated by one blank; `_` stands for
// an empty word, `+` in a word for a blank. Callbacks: V vm_start, C configure, T tick, R and A request and response
// headers, L log, D done; the upstream half's have a `u` before them.
import {
  proxy_add_header_map_value,
  proxy_close_stream,
  proxy_continue_stream,
  proxy_define_metric,
  proxy_get_buffer_bytes,
  proxy_get_header_map_pairs,
  proxy_get_header_map_size,
  proxy_get_header_map_value,
  proxy_get_log_level,
  proxy_get_metric,
  proxy_get_property,
  proxy_get_shared_data,
  proxy_get_status,
  proxy_increment_metric,
  proxy_log,
  proxy_record_metric,
  proxy_remove_header_map_value,
  proxy_replace_header_map_value,
  proxy_send_local_response,
  proxy_set_effective_context,
  proxy_set_header_map_pairs,
  proxy_set_property,
  proxy_set_shared_data,
  proxy_set_tick_period_milliseconds,
} from "./env";
import { clock_time_get } from "./wasi_snapshot_preview1";

const out: usize = memory.data(32);
const roots = new Map<i32, string>();
const parents = new Map<i32, i32>();
/** The configuration of each root, in lines. */
const scripts = new Map<i32, string[]>();
/** Context of the newest downstream stream, for `effective last`. */
let newestStream: i32 = 0;
let result: i32 = 0;

export function proxy_abi_version_0_2_1(): void {}

export function malloc(size: usize): usize {
  return heap.alloc(size);
}

export function onAbort(message: usize, file: usize, line: u32, column: u32): void {}

export function proxy_on_context_create(id: i32, parent: i32): void {
  if (parent != 0) parents.set(id, parent);
  else {
    property("plugin_root_id");
    roots.set(id, outText());
    configure(id);
  }
  if (parent != 0 && half(id) == "") newestStream = id;
}

export function proxy_on_vm_start(id: i32, size: i32): i32 {
  return run("V", id, 1);
}

export function proxy_on_configure(id: i32, size: i32): i32 {
  return run("C", id, 1);
}

export function proxy_on_tick(id: i32): void {
  run("T", id, 0);
}

export function proxy_on_request_headers(id: i32, count: i32, endStream: i32): i32 {
  return run("R", id, 0);
}

export function proxy_on_response_headers(id: i32, count: i32, endStream: i32): i32 {
  return run("A", id, 0);
}

export function proxy_on_log(id: i32): void {
  run("L", id, 0);
}

export function proxy_on_done(id: i32): i32 {
  return run("D", id, 1);
}

export function proxy_on_delete(id: i32): void {
  run("X", id, 0);
  parents.delete(id);
}

function configure(root: i32): void {
  proxy_get_buffer_bytes(7, 0, 1 << 20, out, out + 4);
  scripts.set(root, outText().split("\n"));
}

function half(id: i32): string {
  const root = parents.has(id) ? parents.get(id) : id;
  return roots.has(root) && roots.get(root) == "upstream" ? "u" : "";
}

/** Runs the steps of a callback; without any it says nothing. */
function run(callback: string, id: i32, defaultResult: i32): i32 {
  result = defaultResult;
  const label = half(id) + callback;
  const lines = scripts.get(parents.has(id) ? parents.get(id) : id);
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    const colon = line.indexOf(":");
    if (line.substring(0, colon) != label) continue;
    const steps = line.substring(colon + 1).split(";");
    for (let j = 0; j < steps.length; j++)
      log(label + " " + steps[j].trim() + " -> " + step(steps[j].trim().split(" ")));
  }
  return result;
}

function step(words: string[]): string {
  const verb = words[0];
  const a = arg(words, 1);
  const b = arg(words, 2);
  const c = arg(words, 3);
  if (verb == "here") return "";
  if (verb == "return") {
    result = int(a);
    return "";
  }
  if (verb == "trap") unreachable();
  if (verb == "trapif" && proxy_get_header_map_value(int(a), ptr(b), len(b), out, out + 4) == 0) unreachable();
  if (verb == "trapif") return "";
  if (verb == "get") return value(proxy_get_header_map_value(int(a), ptr(b), len(b), out, out + 4));
  if (verb == "add") return value0(proxy_add_header_map_value(int(a), ptr(b), len(b), ptr2(c), len(c)));
  if (verb == "replace") return value0(proxy_replace_header_map_value(int(a), ptr(b), len(b), ptr2(c), len(c)));
  if (verb == "remove") return value0(proxy_remove_header_map_value(int(a), ptr(b), len(b)));
  if (verb == "pairs") return pairs(proxy_get_header_map_pairs(int(a), out, out + 4));
  if (verb == "garbage") return value0(proxy_set_header_map_pairs(int(a), ptr(b), len(b)));
  if (verb == "size") return word(proxy_get_header_map_size(int(a), out));
  if (verb == "property") return value(property(a));
  if (verb == "set") return value0(proxy_set_property(ptr(a), len(a), ptr2(b), len(b)));
  if (verb == "buffer") return value(proxy_get_buffer_bytes(int(a), int(b), int(c), out, out + 4));
  if (verb == "local") return local(int(a), b, c, words.length > 4 ? int(words[4]) : -1);
  if (verb == "continue") return value0(proxy_continue_stream(int(a)));
  if (verb == "close") return value0(proxy_close_stream(int(a)));
  if (verb == "read") {
    const status = proxy_get_shared_data(ptr(a), len(a), out, out + 4, out + 8);
    return status == 0 ? value(0) + " cas " + load<u32>(out + 8).toString() : value0(status);
  }
  if (verb == "write") return value0(proxy_set_shared_data(ptr(a), len(a), ptr2(b), len(b), int(c)));
  if (verb == "define") return word(proxy_define_metric(int(a), ptr(b), len(b), out));
  if (verb == "increment") return value0(proxy_increment_metric(int(a), I64.parseInt(b)));
  if (verb == "record") return value0(proxy_record_metric(int(a), I64.parseInt(b)));
  if (verb == "metric") return long(proxy_get_metric(int(a), out));
  if (verb == "tick") return value0(proxy_set_tick_period_milliseconds(int(a)));
  if (verb == "effective") return value0(proxy_set_effective_context(a == "last" ? newestStream : int(a)));
  if (verb == "clock") return long(clock_time_get(int(a), 0, out));
  if (verb == "level") return word(proxy_get_log_level(out));
  if (verb == "status") return value0(proxy_get_status(out, out + 4, out + 8));
  if (verb == "nowhere") return value0(proxy_get_header_map_value(0, 0xfffffff0, 100, out, out + 4));
  return "unknown step";
}

function local(status: i32, details: string, body: string, grpcStatus: i32): string {
  return value0(proxy_send_local_response(status, ptr(details), len(details), ptr2(body), len(body), 0, 0, grpcStatus));
}

/** Parts of the path are separated by `|`. */
function property(path: string): i32 {
  const bytes = String.UTF8.encode(path.split("|").join("\0"));
  return proxy_get_property(changetype<usize>(bytes), bytes.byteLength, out, out + 4);
}

function arg(words: string[], i: i32): string {
  if (i >= words.length || words[i] == "_") return "";
  return words[i].split("+").join(" ");
}

function int(text: string): i32 {
  return <i32>I32.parseInt(text);
}

// Kept by these variables while the host reads them.
let first = new ArrayBuffer(0);
let second = new ArrayBuffer(0);

function ptr(text: string): usize {
  first = String.UTF8.encode(text);
  return changetype<usize>(first);
}

function ptr2(text: string): usize {
  second = String.UTF8.encode(text);
  return changetype<usize>(second);
}

function len(text: string): usize {
  return String.UTF8.byteLength(text);
}

function value0(status: i32): string {
  return status.toString();
}

function word(status: i32): string {
  return status == 0 ? "0 " + load<u32>(out).toString() : status.toString();
}

function long(status: i32): string {
  return status == 0 ? "0 " + load<u64>(out).toString() : status.toString();
}

/** Status and, where Ok, the value with bytes that are no letters as \xx; `null` for address 0. */
function value(status: i32): string {
  if (status != 0) return status.toString();
  return load<u32>(out) == 0 && load<u32>(out + 4) == 0 ? "0 null" : "0 " + shown(load<u32>(out), load<u32>(out + 4));
}

function pairs(status: i32): string {
  if (status != 0) return status.toString();
  const block = load<u32>(out);
  if (block == 0) return "0 null";
  const count = load<u32>(block);
  let at = block + 4 + 8 * count;
  let text = "0";
  for (let i: u32 = 0; i < count; i++) {
    const nameSize = load<u32>(block + 4 + 8 * i);
    const valueSize = load<u32>(block + 8 + 8 * i);
    text += " " + shown(at, nameSize) + "=" + shown(at + nameSize + 1, valueSize);
    at += nameSize + valueSize + 2;
  }
  return text;
}

function shown(address: u32, size: u32): string {
  let text = "";
  for (let i: u32 = 0; i < size; i++) {
    const byte = load<u8>(address + i);
    if (byte >= 32 && byte < 127) text += String.fromCharCode(byte);
    else text += "\\" + (byte < 16 ? "0" : "") + (byte as u32).toString(16);
  }
  return text;
}

function outText(): string {
  return load<u32>(out + 4) == 0 ? "" : String.UTF8.decodeUnsafe(load<u32>(out), load<u32>(out + 4));
}

function log(text: string): void {
  const bytes = String.UTF8.encode(text);
  proxy_log(2, changetype<usize>(bytes), bytes.byteLength);
}
