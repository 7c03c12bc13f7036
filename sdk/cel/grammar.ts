// A parser of CEL that only tells whether Envoy takes an expression. It goes over the words once, so that its time is bounded
// whatever the text is, and counts depth as Envoy's parser does (cel-cpp parser/parser.cc).
import { callComplaint, isMacro, presence } from "./functions.ts";
import { checkLiteral } from "./literals.ts";
import { CelError, type Token } from "./tokens.ts";
import { Words } from "./words.ts";

/** Of cel-cpp's ParserOptions, which Envoy leaves as they are. */
const depthMax = 32;
const lengthMax = 100_000;

/** Cannot be the name of anything; as a field it can. */
const reserved = new Set(
  "as break const continue else false for function if import in let loop namespace null package return true var void while".split(
    " ",
  ),
);

/** What is known of a part of an expression. Parentheses around it change nothing. */
interface Part {
  /** How many steps Envoy's parser goes down in it, with its own. */
  readonly depth: number;
  /** `a`; a macro's variable must be one. */
  readonly name?: string;
  /** `a.b`, of which `has` tells whether it is there. */
  readonly isField?: true;
}

/**
 * Nothing where Envoy takes the text as an expression.
 *
 * @throws {CelError} where it does not
 */
export function checkExpression(text: string): void {
  const { length } = [...text];
  if (length > lengthMax) throw new CelError(`it has ${length} characters; Envoy takes ${lengthMax}`);
  new Parser(new Words(text)).check();
}

function tooDeep(): CelError {
  return new CelError(`it is nested too deeply: Envoy takes ${depthMax} levels, and each operator of a chain is one`);
}

const relations = ["<", "<=", ">=", ">", "==", "!=", "in"];
const sums = ["+", "-"];
const products = ["*", "/", "%"];

class Parser {
  readonly #words: Words;
  #nesting = 0;
  /** The first thing that Envoy does not know: said last, as Envoy does. */
  #unknown: CelError | undefined;

  constructor(words: Words) {
    this.#words = words;
  }

  check(): void {
    const { part } = this.#expression();
    this.#words.expect("end");
    if (part.depth > depthMax) throw tooDeep();
    if (this.#unknown) throw this.#unknown;
  }

  /** @returns `branches`: the depth below a ternary's own step, which Envoy does not take for an argument */
  #expression(): { readonly part: Part; readonly branches: number } {
    if (this.#nesting > depthMax) throw tooDeep();
    this.#nesting += 1;
    const condition = this.#or();
    const parts = [condition];
    if (this.#words.accept("?")) {
      parts.push(this.#or());
      this.#words.expect(":");
      parts.push(this.#expression().part);
    }
    this.#nesting -= 1;
    const branches = deepest(parts);
    return { part: parts.length === 1 ? condition : { depth: 1 + branches }, branches };
  }

  #or(): Part {
    return this.#row("||", () => this.#row("&&", () => this.#relation()));
  }

  /** However many there are, they are one level. */
  #row(operator: string, operand: () => Part): Part {
    const first = operand();
    const parts = [first];
    while (this.#words.accept(operator)) parts.push(operand());
    return parts.length === 1 ? first : over(parts);
  }

  #relation(): Part {
    return this.#chain(relations, () => this.#chain(sums, () => this.#chain(products, () => this.#unary())));
  }

  /** Each is a level below the next. */
  #chain(operators: readonly string[], operand: () => Part): Part {
    let part = operand();
    while (operators.some((operator) => this.#words.accept(operator))) part = over([part, operand()]);
    return part;
  }

  #unary(): Part {
    const sign = this.#words.peek().kind;
    const isNumber = ["int", "float"].includes(this.#words.peek(1).kind);
    if (sign !== "!" && (sign !== "-" || isNumber)) return this.#member();
    let count = 0;
    while (this.#words.accept(sign)) count += 1;
    const part = this.#member();
    return { ...(count % 2 === 0 ? part : {}), depth: 1 + part.depth }; // two are none
  }

  #member(): Part {
    let part = this.#primary();
    for (;;) {
      if (this.#words.accept("[")) {
        part = over([part, this.#expression().part]);
        this.#words.expect("]");
      } else if (this.#words.accept(".")) {
        const { kind, text } = this.#field();
        const isCall = kind === "name" && this.#words.accept("(");
        part = isCall ? this.#call(text, part) : { ...over([part]), isField: true };
      } else return part;
    }
  }

  /** The name of one, which may stand in backticks. */
  #field(): Token {
    return this.#words.peek().kind === "quoted" ? this.#words.expect("quoted") : this.#words.expect("name");
  }

  #primary(): Part {
    if (this.#words.accept("(")) {
      const { part } = this.#expression();
      this.#words.expect(")");
      return part;
    }
    if (this.#words.accept("[")) return { depth: 1 + this.#list("]") };
    if (this.#words.accept("{")) return { depth: 1 + this.#entries(() => this.#expression().part) };
    return [".", "name"].includes(this.#words.peek().kind) ? this.#named() : this.#literal();
  }

  #named(): Part {
    const isAbsolute = this.#words.accept(".");
    if (this.#isMessage()) return this.#message();
    const { text } = this.#words.expect("name");
    if (reserved.has(text)) throw new CelError(`${text} is a reserved word`);
    if (this.#words.accept("(")) return this.#call(isAbsolute ? `.${text}` : text);
    return isAbsolute ? { depth: 1 } : { depth: 1, name: text };
  }

  /** Whether dots and names lead to a brace. */
  #isMessage(): boolean {
    let ahead = 0;
    while (this.#words.peek(ahead).kind === "name" && this.#words.peek(ahead + 1).kind === ".") ahead += 2;
    return this.#words.peek(ahead).kind === "name" && this.#words.peek(ahead + 1).kind === "{";
  }

  #message(): Part {
    const { text } = this.#words.expect("name");
    let name = text;
    while (this.#words.accept(".")) name += `.${this.#words.expect("name").text}`;
    this.#unknown ??= new CelError(`a message can't stand there: ${name}{}`, "message");
    this.#words.expect("{");
    return {
      depth:
        1 +
        this.#entries(() => {
          this.#field();
          return undefined;
        }),
    };
  }

  #call(name: string, target?: Part): Part {
    const args: Part[] = [];
    const depth = this.#list(")", args);
    const call = { name, isMethod: target !== undefined, count: args.length };
    const complaint = isMacro(call) ? this.#checkMacro(name, args[0]) : callComplaint(call);
    if (complaint !== undefined) this.#unknown ??= new CelError(complaint, "compile");
    return { depth: 1 + Math.max(depth, target?.depth ?? 0) };
  }

  #checkMacro(name: string, first: Part | undefined): undefined {
    const isGood = name === presence ? first?.isField : first?.name !== undefined && first.name !== "__result__";
    if (!isGood) throw new CelError(`${name}() takes other arguments`);
  }

  /** Behind the opening bracket; the depth of its deepest part. A list may end with a comma, arguments may not. */
  #list(end: string, parts: Part[] = []): number {
    let depth = 0;
    if (end === "]" && this.#words.accept(",")) return this.#closed(end, depth);
    while (!this.#words.accept(end)) {
      const { part, branches } = this.#expression();
      parts.push(part);
      depth = Math.max(depth, branches);
      if (!this.#words.accept(",")) return this.#closed(end, depth);
      if (end === ")" && this.#words.peek().kind === end) throw this.#words.misplaced();
    }
    return depth;
  }

  /** Behind the opening brace; the depth of its deepest part. */
  #entries(key: () => Part | undefined): number {
    let depth = 0;
    if (this.#words.accept(",")) return this.#closed("}", depth);
    while (!this.#words.accept("}")) {
      const before = key()?.depth ?? 0;
      this.#words.expect(":");
      depth = Math.max(depth, before, this.#expression().part.depth);
      if (!this.#words.accept(",")) return this.#closed("}", depth);
    }
    return depth;
  }

  #closed(end: string, depth: number): number {
    this.#words.expect(end);
    return depth;
  }

  #literal(): Part {
    const sign = this.#words.accept("-") ? "-" : "";
    const token = this.#words.peek();
    const kinds = sign === "" ? ["int", "uint", "float", "string", "bytes", "true", "false", "null"] : ["int", "float"];
    if (!kinds.includes(token.kind)) throw this.#words.misplaced();
    this.#words.expect(token.kind);
    checkLiteral(token, sign);
    return { depth: 1 };
  }
}

function over(parts: readonly Part[]): Part {
  return { depth: 1 + deepest(parts) };
}

function deepest(parts: readonly Part[]): number {
  return Math.max(...parts.map(({ depth }) => depth));
}
