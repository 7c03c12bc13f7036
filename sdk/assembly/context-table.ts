import { Context } from "./context";

/**
 * Contexts by the ids that the host gives them: buckets of chains through `Context.nextInBucket`. Ids grow by one from stream to
 * stream, so that chains are short. O(1), and no allocation but when more streams are open than ever before.
 */
@final
export class ContextTable {
  private buckets: StaticArray<Context | null> = new StaticArray<Context | null>(64); // a power of two
  private count: i32 = 0;

  /** The context with this id; null if there is none. */
  get(id: u32): Context | null {
    let context = unchecked(this.buckets[this.bucket(id)]);
    while (context != null && context.id != id) context = context.nextInBucket;
    return context;
  }

  /** Adds a context whose id is not there yet. */
  add(context: Context): void {
    if (this.count == this.buckets.length) this.grow();
    this.count++;
    this.link(context);
  }

  /** Forgets a context that is there. */
  delete(context: Context): void {
    const at = this.bucket(context.id);
    let before = unchecked(this.buckets[at]);
    if (before == context) {
      unchecked((this.buckets[at] = context.nextInBucket));
    } else {
      while (before != null && before.nextInBucket != context) before = before.nextInBucket;
      if (before != null) before.nextInBucket = context.nextInBucket;
    }
    this.count--;
  }

  private bucket(id: u32): i32 {
    return <i32>id & (this.buckets.length - 1);
  }

  private link(context: Context): void {
    const at = this.bucket(context.id);
    context.nextInBucket = unchecked(this.buckets[at]);
    unchecked((this.buckets[at] = context));
  }

  private grow(): void {
    const old = this.buckets;
    this.buckets = new StaticArray<Context | null>(old.length * 2);
    for (let i = 0; i < old.length; i++) {
      let context = unchecked(old[i]);
      while (context != null) {
        const next = context.nextInBucket;
        this.link(context);
        context = next;
      }
    }
  }
}
