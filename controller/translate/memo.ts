/**
 * A function that makes each value once for an owner and a key, and keeps it as long as the owner lives. For values
 * that depend on nothing else, so that many proxies and generations share them.
 */
export function memo<Owner extends object, T>(): (owner: Owner, key: string, make: () => T) => T {
  const owners = new WeakMap<Owner, Map<string, T>>();
  return (owner, key, make) => {
    const values = owners.get(owner) ?? new Map<string, T>();
    owners.set(owner, values);
    const known = values.get(key);
    if (known !== undefined) return known;
    const made = make();
    values.set(key, made);
    return made;
  };
}
