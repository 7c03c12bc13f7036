// The algorithm: one pass over the bytes, in place. What it must remember from one chunk to the next is one number.

const ZERO: u8 = 0x30;
const NINE: u8 = 0x39;
const SPACE: u8 = 0x20;
const HYPHEN: u8 = 0x2d;
const STAR: u8 = 0x2a;

@final
export class Redaction {
  /** Digits of the number that the last byte belonged to. */
  private digits: u32 = 0;
  /** The last byte was a blank or a hyphen between groups of digits. */
  private isBetween: bool = false;

  constructor(private allowed: u32) {}

  /** Writes `*` over the digits that a number has too many. Returns whether there were any. */
  apply(bytes: Uint8Array): bool {
    let changed = false;
    for (let at = bytes.dataStart, end = at + bytes.byteLength; at < end; at++) {
      const byte = load<u8>(at);
      if (byte >= ZERO && byte <= NINE) {
        this.isBetween = false;
        if (++this.digits <= this.allowed) continue;
        store<u8>(at, STAR);
        changed = true;
      } else if ((byte == SPACE || byte == HYPHEN) && this.digits && !this.isBetween) {
        this.isBetween = true;
      } else {
        this.digits = 0;
        this.isBetween = false;
      }
    }
    return changed;
  }
}
