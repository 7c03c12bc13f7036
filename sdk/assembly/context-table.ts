import { Context } from "./context";

/** Number of buckets, a power of two, less one. */
let mask: u32 = 15;

/** Chains of contexts through `Context.nextInBucket`. */
let buckets = newBuckets();
let count: u32 = 0;

/**
 * The context that has this id, by which the host knows it; null if there is none. Ids grow by one from stream to stream, so
 * that chains are short. The caller knows of which kind it is, since the host calls each with its own callbacks.
 */
export function findContext<T>(id: u32): T | null {
  return changetype<T | null>(load<usize>(linkTo(id)));
}

/** Adds a context whose id is not there yet. No allocation, but when more are open than ever before. */
export function addContext(context: Context): void {
  if (count > mask) grow();
  count++;
  store<usize>(linkTo(context.id), changetype<usize>(context));
}

/** Forgets the context that has this id, and returns it; null if there is none. */
export function forgetContext(id: u32): Context | null {
  const link = linkTo(id);
  const context = changetype<Context | null>(load<usize>(link));
  if (context != null) {
    count--;
    store<usize>(link, changetype<usize>(context.nextInBucket));
    context.nextInBucket = null; // the filter may hold it longer
  }
  return context;
}

/** Address of the reference to the context with this id: where it is, or at the end of the chain where it would be. */
function linkTo(id: u32): usize {
  let at = changetype<usize>(buckets) + ((id & mask) << 2);
  for (let next = load<usize>(at); next && changetype<Context>(next).id != id; next = load<usize>(at)) {
    at = next + offsetof<Context>("nextInBucket");
  }
  return at;
}

function grow(): void {
  const old = buckets;
  const last = mask;
  mask = (last << 1) | 1;
  buckets = newBuckets();
  for (let i: u32 = 0; i <= last; i++) {
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
function newBuckets(): StaticArray<Context | null> {
  const size: usize = (mask + 1) << 2;
  const array = __new(size, idof<StaticArray<Context | null>>());
  memory.fill(array, 0, size);
  return changetype<StaticArray<Context | null>>(array);
}
