// The host's form of header maps and of properties that are maps or lists:
//
//   u32 count | count x (u32 name size, u32 value size) | count x (name, NUL, value, NUL)
//
// little endian, sizes without the NULs.
import { Argument } from "./host-memory";
import { decodeUtf8, encodeUtf8, maxUtf8Size } from "./utf8";

/** A header, or an entry of a map; of a list: the name is the element. */
@final
export class Pair {
  constructor(
    readonly name: string,
    readonly value: string,
  ) {}
}

/** The pairs of a block; those before the fault if it is cut off. */
export function decodePairs(at: usize, size: usize): Pair[] {
  const pairs: Pair[] = [];
  if (size < 4) return pairs;
  const end = at + size;
  const count = load<u32>(at);
  let sizes = at + 4;
  if (count > <u32>(size - 4) >> 3) return pairs;
  let data = sizes + count * 8;
  for (let i: u32 = 0; i < count; i++, sizes += 8) {
    const nameSize = <u64>load<u32>(sizes);
    const valueSize = <u64>load<u32>(sizes, 4);
    if (<u64>data + nameSize + valueSize + 2 > <u64>end) break;
    const value = data + <usize>nameSize + 1;
    pairs.push(new Pair(decodeUtf8(data, <usize>nameSize), decodeUtf8(value, <usize>valueSize)));
    data = value + <usize>valueSize + 1;
  }
  return pairs;
}

/** Writes `[name, value]` pairs as a block; nothing for none. */
export function encodePairs(pairs: string[][], into: Argument): Argument {
  const count = pairs.length;
  if (!count) return into.none();
  let size: usize = 4;
  for (let i = 0; i < count; i++) size += 10 + maxUtf8Size(pairs[i][0].length + pairs[i][1].length);
  const at = into.room(size);
  store<u32>(at, count);
  let data = at + 4 + count * 8;
  for (let i = 0; i < count; i++) {
    for (let part = 0; part < 2; part++) {
      const text = pairs[i][part];
      const written = encodeUtf8(text, text.length, data);
      store<u32>(at + 4 + i * 8 + part * 4, <u32>written);
      data += written;
      store<u8>(data++, 0);
    }
  }
  into.size = data - at;
  return into;
}
