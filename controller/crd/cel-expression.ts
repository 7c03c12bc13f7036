import { celEnv, parse } from "@bufbuild/cel";
import { show } from "./issues.ts";

/**
 * What is wrong with an expression in CEL over Envoy's attributes, for which Envoy would refuse the whole filter that has it;
 * `undefined` where nothing is. An attribute that does not exist is none of that: it is one without a value.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes
 */
export function celComplaint(text: string): string | undefined {
  if (text === "") return "an expression is missing";
  try {
    const [unknown] = callsIn(parse(text).expr).filter((name) => !isKnown(name));
    if (unknown === undefined) return undefined;
    const isMacro = macros.includes(unknown);
    return `not an expression in CEL: ${isMacro ? `${unknown}() takes other arguments` : `there is no function ${unknown}()`}`;
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

const environment = celEnv();

/** With the arguments that they take, the parser makes something else of them. */
const macros: readonly string[] = ["has", "all", "exists", "exists_one", "map", "filter"];

function isKnown(name: string): boolean {
  const isOperator = /^(@|.*_)/.test(name); // `_+_`, `!_`, `@in`
  return isOperator || environment.funcs.find(name) !== undefined;
}

/** Names of all functions that a parsed expression calls. */
function callsIn(expr: unknown): string[] {
  if (typeof expr !== "object" || expr === null) return [];
  const own = "function" in expr && typeof expr.function === "string" ? [expr.function] : [];
  return [...own, ...Object.values(expr).flatMap(callsIn)];
}
