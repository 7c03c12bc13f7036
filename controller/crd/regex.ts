/** Envoy takes any size, but Istio refuses longer ones; a limit keeps a slip from becoming a huge program. */
const lengthMax = 1024;

/**
 * What is wrong with a regular expression for Envoy, which uses RE2: JavaScript's syntax check after RE2's own spellings are put
 * into JavaScript's, and what RE2 leaves out of Perl's syntax.
 *
 * @returns `undefined` where nothing is found; RE2 can still refuse rare things
 * @see https://github.com/google/re2/wiki/Syntax
 */
export function regexComplaint(text: string): string | undefined {
  if (text === "") return "regex string match should not be empty";
  if (text.length > lengthMax)
    return `regex is too large, max length allowed is ${lengthMax} and this has ${text.length}`;
  const bare = text
    .replace(/\\Q.*?(\\E|$)/gs, "q")
    .replace(/\\\\/g, "")
    .replace(/(?<!\\)\[\^?\]?(\\.|[^\]])*\]/gs, "c");
  if (/\(\?(=|!|<=|<!)/.test(bare)) return "RE2, which Envoy uses, has no lookahead and lookbehind";
  if (/\\[1-9]|\\k</.test(bare)) return "RE2, which Envoy uses, has no backreferences";
  if (/\(\?>|[*+?}]\+/.test(bare.replace(/\\./g, "")))
    return "RE2, which Envoy uses, has no atomic groups and possessive repetition";
  try {
    new RegExp(asJavaScript(text));
    return undefined;
  } catch (error) {
    const reason =
      error instanceof Error ? error.message.replace(/^Invalid regular expression: .*: /s, "") : String(error);
    return `not a regular expression: ${reason.toLowerCase()}`;
  }
}

/** RE2's spellings in JavaScript's: `\Q…\E`, `(?P<name>…)`, `(?i)`, `(?s:…)`, `\A`, `\z`, `[[:alpha:]]`. */
function asJavaScript(text: string): string {
  return text
    .replace(/\\Q(.*?)(\\E|$)/gs, (_, quoted: string) => quoted.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"))
    .replace(/\(\?P</g, "(?<")
    .replace(/\(\?[imsU]*(-[imsU]+)?\)/g, "")
    .replace(/\(\?[imsU]+(-[imsU]+)?:/g, "(?:")
    .replace(/\[:\^?[a-z]+:\]/g, "a");
}
