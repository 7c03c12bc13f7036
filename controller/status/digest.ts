import type { Sha256 } from "../model/wasm-plugin.ts";

/** The first 8 digits, as people read them: `1f3a9c2b`. */
export function shortDigest(digest: Sha256): string {
  return digest.slice(0, 8);
}
