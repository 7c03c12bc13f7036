// UTF-8 from and to AssemblyScript's UTF-16 strings, for bytes that nobody vouches for. The standard library's decoder
// takes overlong forms for what they hide and lets one bad byte swallow the rest of the text; this one follows the WHATWG
// decoder: every ill-formed sequence becomes U+FFFD and the rest is kept.

const REPLACEMENT: u32 = 0xfffd;

/** Bytes that `units` UTF-16 units take at most. */
export function maxUtf8Size(units: i32): usize {
  return <usize>units * 3;
}

/** Writes the first `units` units of the text to `at`, lone surrogates as U+FFFD. Returns the number of bytes. */
export function encodeUtf8(text: string, units: i32, at: usize): usize {
  let from = changetype<usize>(text);
  const end = from + ((<usize>units) << 1);
  let to = at;
  while (from < end) {
    let code: u32 = load<u16>(from);
    from += 2;
    if (code < 0x80) {
      store<u8>(to++, code);
      continue;
    }
    if ((code & 0xf800) == 0xd800) {
      const low: u32 = from < end ? load<u16>(from) : 0;
      if (code < 0xdc00 && (low & 0xfc00) == 0xdc00) {
        code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
        from += 2;
      } else {
        code = REPLACEMENT;
      }
    }
    to = encodeMultibyte(code, to);
  }
  return to - at;
}

function encodeMultibyte(code: u32, to: usize): usize {
  let more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  store<u8>(to++, (0xff00 >> (more + 1)) | (code >> (more * 6)));
  while (more-- > 0) store<u8>(to++, 0x80 | ((code >> (more * 6)) & 0x3f));
  return to;
}

/** The text in `size` bytes at `from`, each ill-formed sequence as U+FFFD. */
export function decodeUtf8(from: usize, size: usize): string {
  if (!size) return "";
  const text = __new(size << 1, idof<string>()); // never too small: no sequence has more units than bytes
  const end = from + size;
  let to = text;
  while (from < end) {
    const lead: u32 = load<u8>(from++);
    if (lead < 0x80) {
      store<u16>(to, lead);
      to += 2;
      continue;
    }
    // Continuation bytes still to come, and what the first of them may be: this excludes overlong forms, surrogates
    // and code points above U+10FFFF (Unicode 15, table 3-7).
    let more = 0;
    let low: u32 = 0x80;
    let high: u32 = 0xbf;
    let code: u32 = 0;
    if (lead >= 0xc2 && lead < 0xe0) {
      more = 1;
      code = lead & 0x1f;
    } else if (lead >= 0xe0 && lead < 0xf0) {
      more = 2;
      code = lead & 0x0f;
      if (lead == 0xe0) low = 0xa0;
      if (lead == 0xed) high = 0x9f;
    } else if (lead >= 0xf0 && lead < 0xf5) {
      more = 3;
      code = lead & 0x07;
      if (lead == 0xf0) low = 0x90;
      if (lead == 0xf4) high = 0x8f;
    } else {
      code = REPLACEMENT;
    }
    while (more > 0) {
      const next: u32 = from < end ? load<u8>(from) : 0;
      if (next < low || next > high) {
        code = REPLACEMENT;
        break;
      }
      code = (code << 6) | (next & 0x3f);
      low = 0x80;
      high = 0xbf;
      from++;
      more--;
    }
    if (code >= 0x10000) {
      code -= 0x10000;
      store<u16>(to, 0xd800 | (code >> 10));
      store<u16>(to, 0xdc00 | (code & 0x3ff), 2);
      to += 4;
    } else {
      store<u16>(to, code);
      to += 2;
    }
  }
  return changetype<string>(to - text == size << 1 ? text : __renew(text, to - text));
}

/** A text's bytes in UTF-8: for shared data, messages and what else takes bytes. */
export function encodeText(text: string): Uint8Array {
  const bytes = new Uint8Array(<i32>maxUtf8Size(text.length));
  return bytes.subarray(0, <i32>encodeUtf8(text, text.length, bytes.dataStart));
}

/** The text of bytes in UTF-8; what is not UTF-8 has U+FFFD in its place. */
export function decodeText(bytes: Uint8Array): string {
  return decodeUtf8(bytes.dataStart, bytes.byteLength);
}
