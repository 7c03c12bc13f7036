import { joinStringArray } from "util/string";

/**
 * All texts in one, with a separator between them. `Array#join` does the same in quadratic time and memory under the flags that
 * filters are built with, since it adds one to the other; a few are no matter, thousands end the VM. So would `+=` in a loop.
 */
export function joinTexts(texts: string[], separator: string = ""): string {
  return joinStringArray(texts.dataStart, texts.length, separator);
}
