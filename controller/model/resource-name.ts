/** A kind in the API server's paths: `VirtualService` is `virtualservices`, `ServiceEntry` is `serviceentries`. */
export function pluralOf(kind: string): string {
  return `${kind.toLowerCase().replace(/(?<=[^aeiou])y$/, "ie")}s`;
}
