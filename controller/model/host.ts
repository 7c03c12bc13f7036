// Host names with Istio's wildcards: `*`, `*.suffix` and `*suffix` stand for every name that ends so.

export function isWildcard(host: string): boolean {
  return host.startsWith("*");
}

/** Whether every name that `host` stands for is one of `pattern`'s. `*.com` covers `a.com` and `*.a.com`, not `com`. */
export function covers(pattern: string, host: string): boolean {
  if (!isWildcard(pattern)) return pattern === host;
  if (isWildcard(host) && host.length < pattern.length) return false;
  return (isWildcard(host) ? host.slice(1) : host).endsWith(pattern.slice(1));
}

/** The names that both stand for, which is the narrower of the two; `undefined` where they share none. */
export function intersection(a: string, b: string): string | undefined {
  if (covers(a, b)) return b;
  return covers(b, a) ? a : undefined;
}

/** Sorts patterns so that the one which a name is matched to comes first: exact names, then the longest wildcard. */
export function bySpecificity(a: string, b: string): number {
  return Number(isWildcard(a)) - Number(isWildcard(b)) || b.length - a.length || (a < b ? -1 : Number(a > b));
}

/** `namespace/host` or `host`; the namespace is `otherwise` where there is none. */
export function splitHost(text: string, otherwise: string): { readonly namespace: string; readonly host: string } {
  const slash = text.indexOf("/");
  return slash < 0
    ? { namespace: otherwise, host: text }
    : { namespace: text.slice(0, slash), host: text.slice(slash + 1) };
}
