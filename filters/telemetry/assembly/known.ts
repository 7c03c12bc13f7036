/** Values by the long texts that stand for them. Mostly the same is asked for as just before: to compare it costs less than its hash. */
@final
export class Known<V> {
  private values: Map<string, V> = new Map<string, V>();
  private lastText: string = "";
  private last: V | null = null;

  /** @param max so many are kept; then all are forgotten, to be made again */
  constructor(private max: i32 = i32.MAX_VALUE) {}

  get size(): i32 {
    return this.values.size;
  }

  get(text: string): V | null {
    if (this.last == null || text != this.lastText) {
      if (!this.values.has(text)) return null;
      this.last = this.values.get(text);
      this.lastText = text;
    }
    return this.last;
  }

  add(text: string, value: V): V {
    if (this.values.size >= this.max) this.values.clear();
    this.values.set(text, value);
    return value;
  }
}
