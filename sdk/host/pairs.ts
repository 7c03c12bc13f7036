// The block in which header maps and maps of properties cross the boundary: u32 count, then (u32 key size, u32 value
// size) of each pair, then key, NUL, value, NUL of each pair.
// @see proxy-wasm-cpp-host src/pairs_util.cc
import { type ByteString, u32 } from "./bytes.ts";

/** A key with its value. */
export type Pair = readonly [ByteString, ByteString];

/** Larger blocks from a module count as empty. */
const sizeBytesMax = 1024 * 1024;

/** Blocks of more pairs from a module count as empty. */
const countMax = 1024;

/** The block of these pairs; of none it is the four bytes of the count. */
export function encodePairs(pairs: readonly Pair[]): ByteString {
  const sizes = pairs.map(([key, value]) => u32(key.length) + u32(value.length));
  const texts = pairs.map(([key, value]) => `${key}\0${value}\0`);
  return u32(pairs.length) + sizes.join("") + texts.join("");
}

/** The pairs of a block. A malformed block, or one above the limits, has none: Envoy does not say so either. */
export function decodePairs(block: ByteString): readonly Pair[] {
  const bytes = Buffer.from(block, "latin1");
  if (bytes.length < 4 || bytes.length > sizeBytesMax) return [];
  const count = bytes.readUInt32LE();
  let position = 4 + 8 * count;
  if (count > countMax || position > bytes.length) return [];
  const take = (size: number): ByteString | undefined => {
    const text = block.slice(position, position + size);
    position += size + 1;
    return position <= bytes.length && bytes[position - 1] === 0 ? text : undefined;
  };
  const pairs: Pair[] = [];
  for (let i = 0; i < count; i++) {
    const key = take(bytes.readUInt32LE(4 + 8 * i));
    const value = take(bytes.readUInt32LE(8 + 8 * i));
    if (key === undefined || value === undefined) return [];
    pairs.push([key, value]);
  }
  return position === bytes.length ? pairs : [];
}
