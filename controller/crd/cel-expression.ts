import { parse } from "@bufbuild/cel";
import { show } from "./issues.ts";

/**
 * What is wrong with an expression in CEL over Envoy's attributes; `undefined` where nothing is. Only its syntax is known
 * here: an attribute that does not exist is one without a value.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes
 */
export function celComplaint(text: string): string | undefined {
  if (text === "") return "an expression is missing";
  try {
    parse(text);
    return undefined;
  } catch (error) {
    return `not an expression in CEL: ${reason(error)}`;
  }
}

/** The parser's own sentence names all that could stand there, or nothing. */
function reason(error: unknown): string {
  const at = /:(\d+):(\d+): found (.+?) but expecting /s.exec(String(error));
  if (!at) return String(error);
  const [, line, column, found = ""] = at;
  const place = line === "1" ? `column ${column}` : `line ${line}, column ${column}`;
  return `${found === "end of input" ? found : show(found)} at ${place} can't stand there`;
}
