import { checkExpression } from "@sluice/sdk/cel/grammar.ts";
import { CelError } from "@sluice/sdk/cel/tokens.ts";

/**
 * What is wrong with an expression in CEL over Envoy's attributes, for which Envoy would refuse the whole filter that has it;
 * `undefined` where nothing is. An attribute that does not exist is none of that: it is one without a value.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes
 */
export function celComplaint(text: string): string | undefined {
  if (text === "") return "an expression is missing";
  try {
    checkExpression(text);
    return undefined;
  } catch (error) {
    if (error instanceof CelError) return `not an expression in CEL: ${error.message}`;
    throw error;
  }
}

/**
 * The same of an expression whose value becomes a label. The filter has Envoy evaluate it twice in a longer one, which must stay
 * within Envoy's limits, too: most have 28 levels and some 50,000 characters.
 *
 * @see `marked` in filters/telemetry/assembly/expressions.ts
 */
export function labelComplaint(text: string): string | undefined {
  const complaint = celComplaint(text);
  if (complaint !== undefined) return complaint;
  const evaluated = celComplaint(`(type(${text}\n) == string ? 's' : 'n') + string(${text}\n)`);
  return evaluated && "too long, or nested too deeply, for a label: it may have some 50,000 characters and 28 levels";
}
