/** As {@link memo} gives it. */
export type Memo<Owner extends object, T> = (
  owner: Owner,
  key: string,
  make: () => T,
  /** What the value was made of beside owner and key: where one of these is another value now, it is made anew. */
  from?: readonly unknown[],
) => T;

interface Made<T> {
  readonly value: T;
  readonly from: readonly unknown[];
}

/**
 * A function that makes each value once for an owner and a key, and keeps it as long as the owner lives. For values
 * that depend on nothing else than what is named, so that many proxies and generations share them.
 */
export function memo<Owner extends object, T>(): Memo<Owner, T> {
  const owners = new WeakMap<Owner, Map<string, Made<T>>>();
  return (owner, key, make, from = []) => {
    const values = owners.get(owner) ?? new Map<string, Made<T>>();
    owners.set(owner, values);
    const known = values.get(key);
    if (known && areSame(known.from, from)) return known.value;
    const value = make();
    values.set(key, { value, from });
    return value;
  };
}

/** Whether both have the very same members in the same order. */
export function areSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((one, i) => one === b[i]);
}
