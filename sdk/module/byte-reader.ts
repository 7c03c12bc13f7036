/** Reads a module's bytes in order. What does not fit makes `failed` true, and every read after it gives 0 or nothing. */
export class ByteReader {
  failed = false;
  private readonly bytes: Uint8Array;
  private at: number;
  private readonly end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get done(): boolean {
    return this.failed || this.at >= this.end;
  }

  byte(): number {
    return this.take(1)[0] ?? 0;
  }

  /** Unsigned LEB128 of at most 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (value > 0xffffffff) this.failed = true;
        return this.failed ? 0 : value;
      }
    }
    this.failed = true;
    return 0;
  }

  /** Skips a LEB128 number of any size up to 64 bits. */
  skipLeb(): void {
    for (let i = 0; i < 10; i++) if (this.byte() < 0x80) return;
    this.failed = true;
  }

  /** A name or a string: its size, then UTF-8. */
  name(): string {
    return decoder.decode(this.take(this.u32()));
  }

  /** A view of the next bytes. */
  take(size: number): Uint8Array {
    if (this.failed || size > this.end - this.at) {
      this.failed = true;
      return new Uint8Array(0);
    }
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }

  /** What is left. */
  rest(): Uint8Array {
    return this.take(this.end - this.at);
  }

  /** A count, then that many of something, of a byte each at least. Stops at the first that does not fit. */
  vector<T>(item: (index: number) => T): T[] {
    const items: T[] = [];
    const count = this.u32();
    if (count > this.end - this.at) this.failed = true;
    for (let i = 0; i < count && !this.failed; i++) {
      const read = item(i);
      if (this.failed) break;
      items.push(read);
    }
    return items;
  }
}

const decoder = new TextDecoder();
