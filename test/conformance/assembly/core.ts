// Does in each callback what the program says, and logs it: `request_headers> get_header_map_value(0, 'x-a') = 0 "1"`.
// The program stands in the module itself, so that plugin and VM configuration, environment and capabilities are the
// script's. Its layout is that of ../program.ts.
import { invoke, slot } from "./module";

/** Ways in which an argument is given. */
namespace Arg {
  export const Word: u8 = 0;
  export const Bytes: u8 = 1;
  export const Register: u8 = 2;
  export const WordOut: u8 = 3;
  export const LongOut: u8 = 4;
  export const ValueOut: u8 = 5;
  export const PairsOut: u8 = 6;
  export const Scratch: u8 = 7;
  export const Vector: u8 = 8;
  export const Nowhere: u8 = 9;
  export const Repeated: u8 = 10;
}

namespace Step {
  export const Call: u8 = 1;
  export const Return: u8 = 2;
  export const Trap: u8 = 3;
  export const If: u8 = 4;
  export const Show: u8 = 5;
  export const Hold: u8 = 6;
}

/** What stands in an output that the host left alone. */
const untouched: u64 = 0xa5a5a5a5a5a5a5a5;
const argumentsMax = 12;
const shownBytesMax: usize = 512;
const scratch: usize = memory.data(4096);
const words: usize = memory.data(8 * 16);
const registers: usize = memory.data(8 * 32);
/** Registers that the probe itself keeps: the newest stream of the downstream chain, and the context of the callback. */
const newestStream = 0;
const calledContext = 1;

const roots = new Map<i32, string>();
const rootOf = new Map<i32, i32>();
/** What the callback that runs was given last: of headers and bodies, whether the stream ends with them. */
let lastArgument: i32 = 0;
let at: usize = 0;
let line: usize = 0;
let end: usize = 0;

export function word(i: i32): i32 {
  return <i32>load<i64>(words + 8 * i);
}

export function long(i: i32): i64 {
  return load<i64>(words + 8 * i);
}

/** Called before the handler of on_context_create. @param parent 0 for a root */
export function create(id: i32, parent: i32): void {
  if (parent != 0) {
    rootOf.set(id, parent);
    if (roots.get(parent) != "upstream") store<i64>(registers + 8 * newestStream, id);
    return;
  }
  rootOf.set(id, id);
  const path = String.UTF8.encode("plugin_root_id");
  const out = heap.alloc(8);
  store<u64>(out, 0);
  store<i64>(words, changetype<usize>(path));
  store<i64>(words + 8, path.byteLength);
  store<i64>(words + 16, out);
  store<i64>(words + 24, out + 4);
  invoke(PROPERTY);
  roots.set(id, String.UTF8.decodeUnsafe(load<u32>(out), load<u32>(out + 4)));
}

/** Runs the program's steps for a callback of a context; without any it says nothing. */
export function run(callback: u8, name: string, result: i32, count: i32, a: i32, b: i32, c: i32, d: i32, e: i32): i32 {
  const root = rootOf.has(a) ? roots.get(rootOf.get(a)) : "";
  const outer = at;
  const stop = find(root, callback);
  if (stop != 0) {
    const label = root == "" ? name : root + "." + name;
    const given = [a, b, c, d, e];
    begin();
    put(label + "(");
    for (let i = 0; i < count; i++) put((i > 0 ? ", " : "") + given[i].toString());
    put(")");
    say();
    const outerArgument = lastArgument;
    lastArgument = given[count - 1];
    const outerContext = load<i64>(registers + 8 * calledContext);
    while (at < stop) {
      store<i64>(registers + 8 * calledContext, a);
      result = step(label, result);
    }
    store<i64>(registers + 8 * calledContext, outerContext);
    lastArgument = outerArgument;
  }
  at = outer;
  return result;
}

/** Puts `at` to a handler's steps. @returns their end; 0 if there is none */
function find(root: string, callback: u8): usize {
  at = changetype<usize>(slot);
  for (let left = takeShort(); left > 0; left--) {
    const size = takeByte();
    const isRoot = String.UTF8.decodeUnsafe(at, size) == root;
    at += size;
    const isCallback = takeByte() == callback;
    const body = takeShort();
    if (isRoot && isCallback) return at + body;
    at += body;
  }
  return 0;
}

function step(label: string, result: i32): i32 {
  const kind = takeByte();
  if (kind == Step.Return) return <i32>takeLong();
  if (kind == Step.Hold) {
    const action = <i32>takeLong();
    return lastArgument == 0 ? action : 0;
  }
  if (kind == Step.Trap) unreachable();
  if (kind == Step.If) {
    const status = call("");
    const size = takeShort();
    if (status == 0) return step(label, result);
    at += size;
    return result;
  }
  if (kind == Step.Show) {
    const address = scratch + takeShort();
    const size = takeShort();
    begin();
    put(label + "> ");
    escaped(address, size);
    say();
    return result;
  }
  call(label);
  return result;
}

/** Calls the host and says so, unless the label is empty. @returns the status */
function call(label: string): i32 {
  const textSize = takeShort();
  const text = at;
  at += textSize;
  const hostcall = takeShort();
  const saved = takeByte();
  const kinds = heap.alloc(argumentsMax);
  const outs = heap.alloc(16 * argumentsMax);
  const count = takeByte();
  let filled = 0;
  for (let i: usize = 0; i < count; i++) {
    const kind = takeByte();
    store<u8>(kinds + i, kind);
    filled = fill(kind, outs + 16 * i, filled);
  }
  const status = invoke(hostcall);
  if (saved != 0xff) for (let i: usize = 0; i < count; i++) save(load<u8>(kinds + i), outs + 16 * i, saved);
  if (label.length == 0) return status;
  const outerLine = line;
  const outerEnd = end;
  begin();
  put(label + "> ");
  copy(text, textSize);
  put(" = " + status.toString());
  let hidden: u8 = 0xff;
  if (saved != 0xff) {
    hidden = Arg.ValueOut;
    for (let i: usize = 0; i < count; i++) if (load<u8>(kinds + i) == Arg.WordOut) hidden = Arg.WordOut;
    for (let i: usize = 0; i < count; i++) if (load<u8>(kinds + i) == Arg.LongOut) hidden = Arg.LongOut;
  }
  for (let i: usize = 0; i < count; i++) show(load<u8>(kinds + i), outs + 16 * i, load<u8>(kinds + i) == hidden);
  say();
  line = outerLine;
  end = outerEnd;
  return status;
}

/** Puts an argument into `words`. @returns how many are filled */
function fill(kind: u8, out: usize, filled: i32): i32 {
  const to = words + 8 * filled;
  if (kind == Arg.Word) store<i64>(to, takeLong());
  else if (kind == Arg.Register) store<i64>(to, load<i64>(registers + 8 * takeByte()));
  else if (kind == Arg.Scratch) store<i64>(to, scratch + takeShort());
  else if (kind == Arg.Nowhere) {
    store<i64>(to, 0xfffffff0);
    store<i64>(to + 8, 100);
    return filled + 2;
  } else if (kind == Arg.Repeated) {
    const count: usize = takeShort();
    const times: usize = takeShort();
    const sizes = at + 2;
    const sizesSize: usize = takeShort();
    at += sizesSize;
    const texts = at + 2;
    const textsSize: usize = takeShort();
    at += textsSize;
    const size = 4 + times * (sizesSize + textsSize);
    const block = heap.alloc(size);
    store<u32>(block, <u32>(count * times));
    for (let i: usize = 0; i < times; i++) {
      memory.copy(block + 4 + i * sizesSize, sizes, sizesSize);
      memory.copy(block + 4 + times * sizesSize + i * textsSize, texts, textsSize);
    }
    store<i64>(to, block);
    store<i64>(to + 8, size);
    return filled + 2;
  } else if (kind == Arg.Bytes || kind == Arg.Vector) {
    const size = takeShort();
    store<u32>(out, at);
    store<u32>(out + 4, size);
    store<i64>(to, kind == Arg.Vector ? out : at);
    store<i64>(to + 8, kind == Arg.Vector ? 1 : size);
    at += size;
    return filled + 2;
  } else {
    store<u64>(out, untouched);
    store<i64>(to, out);
    if (kind != Arg.ValueOut && kind != Arg.PairsOut) return filled + 1;
    store<i64>(to + 8, out + 4);
    return filled + 2;
  }
  return filled + 1;
}

function save(kind: u8, out: usize, register: u8): void {
  if (kind == Arg.WordOut) store<i64>(registers + 8 * register, load<u32>(out));
  if (kind == Arg.LongOut) store<i64>(registers + 8 * register, load<i64>(out));
}

/** An output; of one that is saved under a name, only that it is there: its value differs from run to run. */
function show(kind: u8, out: usize, isHidden: bool): void {
  if (kind < Arg.WordOut || kind > Arg.PairsOut) return;
  if (load<u32>(out) == <u32>untouched) {
    put(" -");
    return;
  }
  const isValue = kind == Arg.ValueOut || kind == Arg.PairsOut;
  const address = load<u32>(out);
  const size = load<u32>(out + 4);
  if (isHidden) put(isValue ? " <" + size.toString() + " bytes>" : " <number>");
  else if (kind == Arg.WordOut) put(" " + address.toString());
  else if (kind == Arg.LongOut) put(" " + load<u64>(out).toString());
  else if (address == 0 && size == 0) put(" null");
  else {
    put(" ");
    if (kind == Arg.PairsOut) pairs(address);
    else escaped(address, size);
  }
}

function pairs(block: usize): void {
  const count = load<u32>(block);
  let text = block + 4 + 8 * count;
  put("{");
  for (let i: usize = 0; i < count; i++) {
    const nameSize = load<u32>(block + 4 + 8 * i);
    const valueSize = load<u32>(block + 8 + 8 * i);
    if (i > 0) put(", ");
    escaped(text, nameSize);
    put(": ");
    escaped(text + nameSize + 1, valueSize);
    text += nameSize + valueSize + 2;
  }
  put("}");
}

function escaped(address: usize, size: usize): void {
  put('"');
  for (let i: usize = 0; i < size && i < shownBytesMax; i++) {
    const byte = load<u8>(address + i);
    if (byte >= 32 && byte < 127 && byte != 34 && byte != 92) store<u8>(end++, byte);
    else put("\\x" + (byte < 16 ? "0" : "") + (byte as u32).toString(16));
  }
  put(size > shownBytesMax ? '" of ' + size.toString() + " bytes" : '"');
}

function begin(): void {
  line = heap.alloc(16384);
  end = line;
}

function put(text: string): void {
  end += String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, end);
}

function copy(address: usize, size: usize): void {
  memory.copy(end, address, size);
  end += size;
}

function say(): void {
  store<i64>(words, 2);
  store<i64>(words + 8, line);
  store<i64>(words + 16, end - line);
  invoke(LOG);
  heap.free(line);
}

function takeByte(): u8 {
  return load<u8>(at++);
}

function takeShort(): u16 {
  const value = load<u16>(at);
  at += 2;
  return value;
}

function takeLong(): i64 {
  const value = load<i64>(at);
  at += 8;
  return value;
}
