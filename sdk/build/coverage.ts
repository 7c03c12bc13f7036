// An instrumented build: each statement, function and branch of a filter's own sources counts how often it runs. The counters
// are words in the module's memory; what they stand for is in a custom section of the module.
import {
  BlockStatement,
  DoStatement,
  type Expression,
  ForOfStatement,
  ForStatement,
  FunctionDeclaration,
  IfStatement,
  Node,
  type Parser,
  type Range,
  type Source,
  type Statement,
  SwitchStatement,
  TernaryExpression,
  WhileStatement,
} from "assemblyscript";
import {
  type Branch,
  type Counted,
  type CoverageMap,
  coverageExport,
  type Place,
  type SourceCoverage,
} from "../module/coverage.ts";
import { parseMade } from "./place.ts";

/**
 * Makes the sources of a compilation count that are not a library's.
 *
 * @param entry a source that is no file
 * @returns what the counters stand for
 */
export function instrument(parser: Parser, entry: string): CoverageMap {
  let counters = 0;
  const own = parser.sources.filter(
    ({ internalPath, normalizedPath: path }) => !internalPath.startsWith("~lib/") && path !== entry,
  );
  const sources = own.map((source) => new Instrumentation(parser, source, () => counters++).run());
  const text = `const COUNTERS = memory.data(${4 * Math.max(counters, 1)}, 4);
@global @inline function __sluice_count(id: i32): void {
  store<u32>(COUNTERS + (id << 2), load<u32>(COUNTERS + (id << 2)) + 1);
}
export function ${coverageExport}(): usize { return COUNTERS; }
`;
  parser.parseFile(text, "coverage-counters.ts", true);
  return { counters, sources };
}

class Instrumentation {
  readonly #parser: Parser;
  readonly #source: Source;
  readonly #next: () => number;
  readonly #seen = new Set<object>();
  readonly #statements: Counted[] = [];
  readonly #functions: (Counted & { readonly name: string })[] = [];
  readonly #branches: { readonly node: Node; readonly branch: Branch }[] = [];
  /** Counters of statements. */
  readonly #counterOf = new Map<Node, number>();

  constructor(parser: Parser, source: Source, next: () => number) {
    this.#parser = parser;
    this.#source = source;
    this.#next = next;
  }

  run(): SourceCoverage {
    this.#visit(this.#source);
    return {
      path: this.#source.normalizedPath,
      statements: this.#statements,
      functions: this.#functions,
      branches: this.#branches.map(({ node, branch }) => this.#withWhole(node, branch)),
    };
  }

  /** Visits a node and, before it is changed, all that is below it. */
  #visit(node: object): void {
    if (this.#seen.has(node)) return;
    this.#seen.add(node);
    for (const child of Object.values(node).flat()) if (child instanceof Node) this.#visit(child);
    if (node instanceof FunctionDeclaration) this.#count(node);
    else if (node instanceof BlockStatement) node.statements = this.#counting(node.statements);
    else if (node instanceof IfStatement) this.#if(node);
    else if (node instanceof TernaryExpression) this.#ternary(node);
    else if (node instanceof SwitchStatement) this.#switch(node);
    else if (isLoop(node)) node.body = this.#block(node.body);
  }

  /** Only functions with a block: that of an arrow is an expression. */
  #count(declaration: FunctionDeclaration): void {
    const { body, name } = declaration;
    if (!(body instanceof BlockStatement)) return;
    const counted = this.#counted(declaration.range);
    this.#functions.push({ ...counted, name: name.text || "(anonymous)" });
    body.statements.unshift(this.#statement(counted.counter, body.range));
  }

  #if(node: IfStatement): void {
    const { ifTrue, ifFalse } = node;
    const then = this.#counted(ifTrue.range);
    node.ifTrue = this.#block(ifTrue, then);
    const otherwise = ifFalse === null ? [] : [this.#counted(ifFalse.range)];
    if (ifFalse !== null) node.ifFalse = this.#block(ifFalse, otherwise[0]);
    this.#branch(node, "if", [then, ...otherwise]);
  }

  #ternary(node: TernaryExpression): void {
    const ways = [this.#counted(node.ifThen.range), this.#counted(node.ifElse.range)];
    const [then, otherwise] = ways.map(({ counter }) => counter);
    node.ifThen = this.#expression(then ?? 0, node.ifThen);
    node.ifElse = this.#expression(otherwise ?? 0, node.ifElse);
    this.#branch(node, "cond-expr", ways);
  }

  #switch(node: SwitchStatement): void {
    const ways = node.cases.map((one) => {
      const way = this.#counted(one.range);
      one.statements = [this.#statement(way.counter, one.range), ...this.#counting(one.statements)];
      return way;
    });
    this.#branch(node, "switch", ways);
  }

  #branch(node: Node, type: Branch["type"], ways: readonly Counted[]): void {
    this.#branches.push({ node, branch: { type, place: this.#place(node.range), ways } });
  }

  /** An `if` without `else` has taken the other way as often as it ran and did not take the one. */
  #withWhole(node: Node, branch: Branch): Branch {
    const whole = this.#counterOf.get(node);
    return branch.type !== "if" || branch.ways.length > 1 || whole === undefined ? branch : { ...branch, whole };
  }

  /** A statement as a block that counts it, and the way to it. */
  #block(statement: Statement, way?: Counted): BlockStatement {
    const { range } = statement;
    const block =
      statement instanceof BlockStatement ? statement : Node.createBlockStatement(this.#counting([statement]), range);
    if (way !== undefined) block.statements.unshift(this.#statement(way.counter, range));
    return block;
  }

  /** Statements with the count of each before it. */
  #counting(statements: readonly Statement[]): Statement[] {
    return statements.flatMap((statement) => {
      if (statement instanceof BlockStatement) return [statement];
      const counted = this.#counted(statement.range);
      this.#statements.push(counted);
      this.#counterOf.set(statement, counted.counter);
      return [this.#statement(counted.counter, statement.range), statement];
    });
  }

  #counted(range: Range): Counted {
    return { place: this.#place(range), counter: this.#next() };
  }

  #statement(counter: number, range: Range): Statement {
    return Node.createExpressionStatement(this.#call(counter, range));
  }

  /** `(count, expression)` */
  #expression(counter: number, expression: Expression): Expression {
    const { range } = expression;
    const both = Node.createCommaExpression([this.#call(counter, range), expression], range);
    return Node.createParenthesizedExpression(both, range);
  }

  #call(counter: number, range: Range): Expression {
    const made = { text: `__sluice_count(${counter})`, source: this.#source, range };
    return parseMade(this.#parser, made, (tokens) => this.#parser.parseExpression(tokens));
  }

  #place({ start, end }: Range): Place {
    return { start: this.#position(start), end: this.#position(end) };
  }

  #position(at: number): Place["start"] {
    const before = this.#source.text.slice(0, at);
    const line = before.split("\n").length;
    return { line, column: at - (before.lastIndexOf("\n") + 1) };
  }
}

function isLoop(node: object): node is { body: Statement } {
  return [ForStatement, ForOfStatement, WhileStatement, DoStatement].some((kind) => node instanceof kind);
}
