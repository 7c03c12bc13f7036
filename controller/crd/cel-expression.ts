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
