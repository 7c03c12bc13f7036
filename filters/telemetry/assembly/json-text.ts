// Values as JSON. Knows no hostcalls.
// @see RFC 8259
import { joinTexts } from "@sluice/sdk/assembly";

/** What an expression gave, as JSON: null for nothing; numbers and truth values as they are, anything else in quotes. */
export function valueOf(result: string): string {
  if (!result.length) return "null";
  const text = result.substring(1);
  return result.charCodeAt(0) == 0x6e /* n */ && isPlain(text) ? text : quoted(text);
}

/** The text in quotes. */
export function quoted(text: string): string {
  const parts: string[] = ['"'];
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x20 && code != 0x22 /* " */ && code != 0x5c /* \ */) continue;
    parts.push(text.substring(from, at));
    parts.push(escaped(code));
    from = at + 1;
  }
  if (!from) return '"' + text + '"';
  parts.push(text.substring(from));
  parts.push('"');
  return joinTexts(parts);
}

function escaped(code: i32): string {
  if (code == 0x0a) return "\\n";
  if (code == 0x09) return "\\t";
  if (code >= 0x20) return "\\" + String.fromCharCode(code);
  return (code < 0x10 ? "\\u000" : "\\u001") + "0123456789abcdef".charAt(code & 15);
}

/** Whether it is `true`, `false` or a number of JSON's, which has no zero in front and no infinity. */
function isPlain(text: string): bool {
  if (text == "true" || text == "false") return true;
  let at = text.startsWith("-") ? 1 : 0;
  const whole = digits(text, at);
  if (whole == at || (text.charCodeAt(at) == 0x30 && whole > at + 1)) return false;
  at = whole;
  if (at < text.length && text.charCodeAt(at) == 0x2e /* . */) {
    const fraction = digits(text, at + 1);
    if (fraction == at + 1) return false;
    at = fraction;
  }
  if (at < text.length && text.charCodeAt(at) == 0x65 /* e */) {
    const sign = text.charCodeAt(at + 1);
    const from = sign == 0x2b /* + */ || sign == 0x2d /* - */ ? at + 2 : at + 1;
    at = digits(text, from);
    if (at == from) return false;
  }
  return at == text.length;
}

/** Where the digits end that begin there. */
function digits(text: string, from: i32): i32 {
  let at = from;
  while (at < text.length && text.charCodeAt(at) >= 0x30 && text.charCodeAt(at) <= 0x39) at++;
  return at;
}
