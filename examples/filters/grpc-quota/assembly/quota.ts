// The messages of ../quota.proto, by hand. @see https://protobuf.dev/programming-guides/encoding
import { encodeText } from "@sluice/sdk/assembly";

const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const SIZED: u64 = 2;
const FIXED_32: u64 = 5;

/** TakeRequest { client } */
export function encodeTakeRequest(client: string): Uint8Array {
  const text = encodeText(client);
  const head = [<u8>((1 << 3) | SIZED)]; // field 1
  for (let size = text.length; ; size >>= 7) {
    head.push(<u8>(size < 0x80 ? size : size | 0x80));
    if (size < 0x80) break;
  }
  const message = new Uint8Array(head.length + text.length);
  message.set(head);
  message.set(text, head.length);
  return message;
}

@final
export class TakeResponse {
  allowed: bool = false;
  remaining: u32 = 0;

  /** Reads a message; fields that it does not know are passed over. Null if it is broken. */
  static decode(message: Uint8Array): TakeResponse | null {
    const response = new TakeResponse();
    const reader = new Reader(message);
    while (reader.at < message.length) {
      const tag = reader.varint();
      const type = tag & 7;
      if (type == VARINT) {
        const value = reader.varint();
        if (tag >> 3 == 1) response.allowed = value != 0;
        if (tag >> 3 == 2) response.remaining = <u32>value;
      } else if (type == FIXED_64) reader.skip(8);
      else if (type == SIZED) reader.skip(reader.varint());
      else if (type == FIXED_32) reader.skip(4);
      else return null;
    }
    return reader.isBroken ? null : response;
  }
}

class Reader {
  at: i32 = 0;
  /** It ended within a field. */
  isBroken: bool = false;

  constructor(private message: Uint8Array) {}

  varint(): u64 {
    let value: u64 = 0;
    for (let shift: u64 = 0; shift < 64 && this.at < this.message.length; shift += 7) {
      const byte = this.message[this.at++];
      value |= (<u64>(byte & 0x7f)) << shift;
      if (byte < 0x80) return value;
    }
    this.isBroken = true;
    return 0;
  }

  skip(size: u64): void {
    const left = this.message.length - this.at;
    if (size > <u64>left) this.isBroken = true;
    this.at += this.isBroken ? left : <i32>size;
  }
}
