// Bytes inside the host. Headers, keys and values may hold any bytes, and the host compares them and uses them as keys.

/** Bytes as a string with one char, 0 to 255, for each byte: comparable, usable as a key, losing nothing. */
export type ByteString = string;

/** A text with none of these is its own bytes: nearly every text of a request. */
const beyondAscii = /[\x80-\uffff]/;

/** The UTF-8 bytes of a text, or the bytes themselves. */
export function toByteString(value: string | Uint8Array): ByteString {
  if (typeof value === "string" && !beyondAscii.test(value)) return value;
  return Buffer.from(value as string).toString("latin1");
}

/** The text that the bytes are in UTF-8; what is not UTF-8 becomes U+FFFD. */
export function toText(bytes: ByteString): string {
  if (!beyondAscii.test(bytes)) return bytes;
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** The bytes as an array of their own. */
export function toArray(bytes: ByteString): Uint8Array {
  return Uint8Array.from(Buffer.from(bytes, "latin1"));
}

/** A u32, little-endian. */
export function u32(value: number): ByteString {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes.toString("latin1");
}

/** A u64 or, in two's complement, an i64, little-endian. */
export function u64(value: bigint): ByteString {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes.toString("latin1");
}

/** A double, little-endian. */
export function f64(value: number): ByteString {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes.toString("latin1");
}
