import { Context } from "./context";

/** Chains of contexts through `Context.nextInBucket`; a power of two of them. */
let buckets = newBuckets(16);
let count: i32 = 0;

/**
 * The context that has this id, by which the host knows it; null if there is none. Ids grow by one from stream to stream, so
 * that chains are short. The caller knows of which kind it is, since the host calls each with its own callbacks.
 */
export function findContext<T>(id: u32): T | null {
  return changetype<T | null>(load<usize>(linkTo(id)));
}

/** Adds a context whose id is not there yet. No allocation, but when more are open than ever before. */
export function addContext(context: Context): void {
  if (count == buckets.length) grow();
  count++;
  store<usize>(linkTo(context.id), changetype<usize>(context));
}

/** Forgets a context that is there. */
export function forgetContext(context: Context): void {
  count--;
  store<usize>(linkTo(context.id), changetype<usize>(context.nextInBucket));
  context.nextInBucket = null; // the filter may hold it longer
}

/** Address of the reference to the context with this id: where it is, or at the end of the chain where it would be. */
function linkTo(id: u32): usize {
  let at = changetype<usize>(buckets) + ((id & (buckets.length - 1)) << 2);
  for (let next = load<usize>(at); next && changetype<Context>(next).id != id; next = load<usize>(at)) {
    at = next + offsetof<Context>("nextInBucket");
  }
  return at;
}

function grow(): void {
  const old = buckets;
  buckets = newBuckets(old.length * 2);
  for (let i = 0; i < old.length; i++) {
    let context = unchecked(old[i]);
    while (context != null) {
      const next = context.nextInBucket;
      context.nextInBucket = null;
      store<usize>(linkTo(context.id), changetype<usize>(context));
      context = next;
    }
  }
}

/** What `new StaticArray` makes, without its check of the length. */
function newBuckets(length: i32): StaticArray<Context | null> {
  const array = __new(length << 2, idof<StaticArray<Context | null>>());
  memory.fill(array, 0, length << 2);
  return changetype<StaticArray<Context | null>>(array);
}
