// Expressions by chance: what the grammar of CEL makes, with functions that are there and that are not, and the same with a slip.
import fc from "fast-check";

const names = ["a", "request", "x", "as", "size", "has", "in", "true", "_b1", "type"];
const calls = ["size", "matches", "getHours", "int", "has", "exists", "map", "existsOne", "none", "startsWith"];
const operators = ["+", "-", "*", "/", "%", "<", "<=", "==", "!=", "in", "&&", "||", " in "];
const literals = [
  ...["1", "-1", "0x1F", "2u", "1.5", ".5", "1e3", "null", "false", "9223372036854775808", "-9223372036854775808"],
  ...["'a'", '"b"', "r'\\d'", "b'\\xff'", "'''it's'''", "'\\u00e9'", "'\\q'", "'\\ud800'"],
];

const { whole } = fc.letrec<{ whole: string; operand: string; part: string; call: string }>((tie) => ({
  whole: fc.oneof(
    { maxDepth: 6 },
    tie("operand"),
    fc.tuple(tie("operand"), fc.constantFrom(...operators), tie("whole")).map((parts) => parts.join(" ")),
    fc.tuple(tie("operand"), tie("operand"), tie("whole")).map(([a, b, c]) => `${a} ? ${b} : ${c}`),
  ),
  operand: fc.oneof(
    { maxDepth: 6 },
    tie("part"),
    fc.tuple(fc.constantFrom("!", "-", "--", "!!"), tie("operand")).map((parts) => parts.join("")),
    fc.tuple(tie("operand"), fc.constantFrom(...names, "`q-r`")).map((parts) => parts.join(".")),
    fc.tuple(tie("operand"), tie("whole")).map(([operand, index]) => `${operand}[${index}]`),
    fc.tuple(tie("operand"), tie("call")).map((parts) => parts.join(".")),
    tie("call"),
  ),
  part: fc.oneof(
    { maxDepth: 6 },
    fc.constantFrom(...names, ...literals),
    tie("whole").map((inside) => `(${inside})`),
    fc.array(tie("whole"), { maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
    fc
      .array(fc.tuple(tie("whole"), tie("whole")), { maxLength: 2 })
      .map((entries) => `{${entries.map((entry) => entry.join(": ")).join(", ")}}`),
  ),
  call: fc
    .tuple(fc.constantFrom(...calls), fc.array(tie("whole"), { maxLength: 3 }))
    .map(([name, args]) => `${name}(${args.join(", ")})`),
}));

/** Not longer than a script can hold many of. */
export const expression: fc.Arbitrary<string> = whole.filter(({ length }) => length <= 300);

const slips = [..."()[]{}.,:?!-+=&|'\"\\`u0eE1bBrR \n", "'''", "//", "é", "\0"];

/** With a character more, less or another. */
export const spoilt: fc.Arbitrary<string> = fc
  .tuple(expression, fc.nat(), fc.nat({ max: 1 }), fc.constantFrom("", ...slips))
  .map(([text, where, cut, slip]) => {
    const at = where % (text.length + 1);
    return text.slice(0, at) + slip + text.slice(at + cut);
  });
