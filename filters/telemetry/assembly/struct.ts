// google.protobuf.Struct in protobuf's wire format, as far as peer metadata needs it: strings, and structs of strings.
//
//   Struct { map<string, Value> fields = 1 }    an entry of a map is a message { key = 1, value = 2 }
//   Value  { string string_value = 3, Struct struct_value = 5, ... }
//
// Knows no hostcalls. What is read was sent by anybody: any bytes are taken, and broken ones refused.
import { decodeText, encodeText } from "@sluice/sdk/assembly";

const LENGTH_DELIMITED: u32 = 2;

/** Writes a struct. Call in the order of the keys, so that equal metadata are equal bytes. */
export class StructWriter {
  readonly bytes: u8[] = [];

  /** Nothing for an empty text. */
  string(key: string, text: string): this {
    if (text.length) this.entry(key, message(3, utf8(text)));
    return this;
  }

  struct(key: string, inner: StructWriter): this {
    this.entry(key, message(5, inner.bytes));
    return this;
  }

  toBytes(): Uint8Array {
    const bytes = new Uint8Array(this.bytes.length);
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.bytes[i];
    return bytes;
  }

  private entry(key: string, value: u8[]): void {
    append(this.bytes, message(1, message(1, utf8(key)).concat(message(2, value))));
  }
}

/** A length-delimited field. */
function message(field: u32, content: u8[]): u8[] {
  const bytes: u8[] = [<u8>((field << 3) | LENGTH_DELIMITED)];
  let size = <u32>content.length;
  for (; size >= 0x80; size >>= 7) bytes.push(<u8>(size | 0x80));
  bytes.push(<u8>size);
  append(bytes, content);
  return bytes;
}

function append(to: u8[], bytes: u8[]): void {
  for (let i = 0; i < bytes.length; i++) to.push(bytes[i]);
}

function utf8(text: string): u8[] {
  const encoded = encodeText(text);
  const bytes: u8[] = [];
  for (let i = 0; i < encoded.length; i++) bytes.push(encoded[i]);
  return bytes;
}

/** A struct that was read. */
export class Struct {
  readonly strings: Map<string, string> = new Map<string, string>();
  readonly structs: Map<string, Struct> = new Map<string, Struct>();

  /** Empty if there is no such string. */
  string(key: string): string {
    return this.strings.has(key) ? this.strings.get(key) : "";
  }

  /** Empty if there is no such struct. */
  struct(key: string): Struct {
    return this.structs.has(key) ? this.structs.get(key) : new Struct();
  }
}

/** Structs in structs are read this deep: metadata has its labels in one, and a recursion must end. */
const DEPTH_MAX = 2;

/** The struct in these bytes; null if they are none. */
export function parseStruct(bytes: Uint8Array): Struct | null {
  return readStruct(bytes.dataStart, bytes.dataStart + bytes.length, 1);
}

function readStruct(at: usize, end: usize, depth: i32): Struct | null {
  const struct = new Struct();
  const fields = new Fields(at, end);
  while (fields.next()) {
    if (fields.is(1) && !readEntry(struct, fields.from, fields.at, depth)) return null;
  }
  return fields.isBroken ? null : struct;
}

function readEntry(struct: Struct, at: usize, end: usize, depth: i32): bool {
  let key = "";
  let from: usize = end;
  let to: usize = end;
  const fields = new Fields(at, end);
  while (fields.next()) {
    if (fields.is(1)) key = textAt(fields.from, fields.at);
    if (fields.is(2)) {
      from = fields.from;
      to = fields.at;
    }
  }
  return !fields.isBroken && readValue(struct, key, from, to, depth);
}

function readValue(struct: Struct, key: string, at: usize, end: usize, depth: i32): bool {
  const fields = new Fields(at, end);
  while (fields.next()) {
    if (fields.is(3)) struct.strings.set(key, textAt(fields.from, fields.at));
    if (fields.is(5) && depth < DEPTH_MAX) {
      const inner = readStruct(fields.from, fields.at, depth + 1);
      if (inner == null) return false;
      struct.structs.set(key, inner);
    }
  }
  return !fields.isBroken;
}

function textAt(from: usize, to: usize): string {
  const bytes = new Uint8Array(<i32>(to - from));
  memory.copy(bytes.dataStart, from, to - from);
  return decodeText(bytes);
}

/** The fields of a message one after the other. */
class Fields {
  /** Where the field's content begins; it ends at `at`. */
  from: usize = 0;
  isBroken: bool = false;
  private tag: u32 = 0;

  constructor(
    public at: usize,
    private end: usize,
  ) {}

  /** False at the end, and where the bytes are no field. */
  next(): bool {
    if (this.at >= this.end || this.isBroken) return false;
    this.tag = <u32>this.varint();
    const type = this.tag & 7;
    const size: u64 = type == LENGTH_DELIMITED ? this.varint() : type == 1 ? 8 : type == 5 ? 4 : 0;
    this.from = this.at;
    if (type == 0) this.varint();
    if ((type != 0 && !size && type != LENGTH_DELIMITED) || size > <u64>(this.end - this.at)) this.isBroken = true;
    if (!this.isBroken) this.at += <usize>size;
    return !this.isBroken;
  }

  /** Whether this is the length-delimited field of that number. */
  is(field: u32): bool {
    return this.tag == ((field << 3) | LENGTH_DELIMITED);
  }

  private varint(): u64 {
    let value: u64 = 0;
    for (let shift: u64 = 0; shift < 64 && this.at < this.end; shift += 7) {
      const byte = load<u8>(this.at++);
      value |= (<u64>(byte & 0x7f)) << shift;
      if (byte < 0x80) return value;
    }
    this.isBroken = true;
    return 0;
  }
}
