/**
 * Where services have their addresses in the embedded home: the second half of 198.18.0.0/15, which no network routes.
 *
 * @see RFC 2544, appendix C.2.2
 */
export const virtualRange = "198.19.0.0/16";

/** All of {@link virtualRange} but the first and the last, which may mean the network and all of it. */
export const virtualCount = 0xfffe;

/** @param n from 0 to below {@link virtualCount} */
export function virtualAddress(n: number): string {
  return `198.19.${(n + 1) >> 8}.${(n + 1) & 0xff}`;
}
