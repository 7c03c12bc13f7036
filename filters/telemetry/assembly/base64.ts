// RFC 4648, section 4. Knows no hostcalls.

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PAD: u8 = 0x3d; // =

/** The bytes as ASCII text, padded. */
export function encodeBase64(bytes: Uint8Array): Uint8Array {
  const size = bytes.length;
  const text = new Uint8Array(((size + 2) / 3) << 2);
  let to = 0;
  for (let from = 0; from < size; from += 3) {
    const left = size - from;
    const second: u32 = left > 1 ? bytes[from + 1] : 0;
    const third: u32 = left > 2 ? bytes[from + 2] : 0;
    const word = ((<u32>bytes[from]) << 16) | (second << 8) | third;
    text[to++] = digit(word >> 18);
    text[to++] = digit(word >> 12);
    text[to++] = left > 1 ? digit(word >> 6) : PAD;
    text[to++] = left > 2 ? digit(word) : PAD;
  }
  return text;
}

/** The bytes that a text, padded or not, stands for; null if it stands for none. */
export function decodeBase64(text: string): Uint8Array | null {
  let size = text.length;
  for (let pads = 0; pads < 2 && size > 0 && text.charCodeAt(size - 1) == PAD; pads++) size--;
  if ((size & 3) == 1) return null;
  const bytes = new Uint8Array((size * 3) >> 2);
  let word: u32 = 0;
  let bits = 0;
  let to = 0;
  for (let i = 0; i < size; i++) {
    const value = valueOf(text.charCodeAt(i));
    if (value < 0) return null;
    word = (word << 6) | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[to++] = <u8>(word >> bits);
    }
  }
  return bytes;
}

function digit(bits: u32): u8 {
  return <u8>ALPHABET.charCodeAt(bits & 63);
}

function valueOf(code: i32): i32 {
  if (code >= 0x41 && code <= 0x5a) return code - 0x41;
  if (code >= 0x61 && code <= 0x7a) return code - 0x61 + 26;
  if (code >= 0x30 && code <= 0x39) return code - 0x30 + 52;
  return code == 0x2b ? 62 : code == 0x2f ? 63 : -1;
}
