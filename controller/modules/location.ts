import { fileURLToPath } from "node:url";

/** Where a module's bytes come from. */
export type Location =
  | { readonly file: string }
  /** A filter that comes with Sluice. */
  | { readonly builtin: string };

/** The filters that come with Sluice: `builtin://retry-budget`. */
export const builtins = ["retry-budget", "deadline", "telemetry"] as const;

/**
 * Reads a WasmPlugin's `url`.
 *
 * @returns the place, or a sentence that says what is wrong with the url
 */
export function parseLocation(url: string): Location | string {
  if (url.startsWith("builtin://")) {
    const name = url.slice("builtin://".length);
    return builtins.some((known) => known === name)
      ? { builtin: name }
      : `is "${url}": there is no such filter; the built-in ones are ${builtins.join(", ")}`;
  }
  try {
    return { file: fileURLToPath(url) };
  } catch {
    return `is "${url}": not an absolute file path; write file:///folder/module.wasm`;
  }
}
