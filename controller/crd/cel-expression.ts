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
    const [wrong] = callsIn(parse(text).expr).filter((call) => !isTaken(call));
    if (wrong === undefined) return undefined;
    const { function: name } = wrong;
    const exists = macros.includes(name) || environment.funcs.find(name) !== undefined;
    return `not an expression in CEL: ${exists ? `${name}() takes other arguments` : `there is no function ${name}()`}`;
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

/** Methods that Envoy takes as functions too: `startsWith(text, prefix)`. */
const functionsToo: readonly string[] = ["contains", "endsWith", "matches", "startsWith"];

/** A call in a parsed expression; of a method, on a target. */
interface Call {
  readonly function: string;
  readonly target?: unknown;
  readonly args: readonly unknown[];
}

/** Envoy looks for a function by its name, the way it is called, and the number of its arguments. */
function isTaken({ function: name, target, args }: Call): boolean {
  const isOperator = /\W/.test(name); // `_+_`, `!_`, `@in`
  const ofFunction = target === undefined && functionsToo.includes(name);
  const isMethod = target !== undefined || ofFunction;
  const count = ofFunction ? args.length - 1 : args.length;
  const overloads = [...(environment.funcs.find(name) ?? [])];
  return isOperator || overloads.some((it) => (it.target !== undefined) === isMethod && it.arguments.length === count);
}

/** All calls in a parsed expression. */
function callsIn(expr: unknown): Call[] {
  if (typeof expr !== "object" || expr === null) return [];
  const own = "function" in expr ? [expr as Call] : [];
  return [...own, ...Object.values(expr).flatMap(callsIn)];
}
