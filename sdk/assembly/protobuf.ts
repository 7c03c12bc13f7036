import { encodeUtf8 } from "./utf8";

/** Bytes of a field before its content, as they are written here. */
export const FIELD_HEAD: usize = 6;

/** Writes tag and size of a field of wire type 2. Returns the address behind them. */
export function writeFieldHead(at: usize, field: u8, size: usize): usize {
  store<u8>(at++, (field << 3) | 2);
  for (let i = 0; i < 4; i++, size >>= 7) store<u8>(at++, (<u8>size & 0x7f) | 0x80);
  store<u8>(at, <u8>size); // five bytes always: protobuf takes a number that is longer than it need be
  return at + 1;
}

/** Writes a text field. Returns the address behind it. */
export function writeText(at: usize, field: u8, text: string): usize {
  const size = encodeUtf8(text, text.length, at + FIELD_HEAD);
  return writeFieldHead(at, field, size) + size;
}
