// `log.debug(text)` evaluates its text before it can ask for the level. In a filter's own sources each such statement becomes
// `if (log.logs(log.LogLevel.Debug)) log.debug(text)`, so that a line that is not logged costs the question only.
import {
  CallExpression,
  type Expression,
  ExpressionStatement,
  IdentifierExpression,
  ImportStatement,
  Node,
  type Parser,
  PropertyAccessExpression,
  type Source,
  type Statement,
} from "assemblyscript";

const levels: Readonly<Record<string, string>> = {
  trace: "Trace",
  debug: "Debug",
  info: "Info",
  warn: "Warn",
  error: "Error",
  critical: "Critical",
};

/** Guards the log statements of all sources that import the SDK's `log`. */
export function guardLogs(parser: Parser): void {
  for (const source of parser.sources) {
    const log = source.internalPath.startsWith("~lib/") ? undefined : nameOfLog(source);
    if (log !== undefined) guardBelow(source, log, new Set());
  }
}

/** By which name a source imports `log`; undefined if it does not. */
function nameOfLog(source: Source): string | undefined {
  for (const statement of source.statements) {
    if (!(statement instanceof ImportStatement) || statement.path.value !== "@sluice/sdk/assembly") continue;
    const found = statement.declarations?.find(({ foreignName }) => foreignName.text === "log");
    if (found) return found.name.text;
  }
  return undefined;
}

/** Walks all nodes below one, and puts guards in the place of log statements. */
function guardBelow(parent: object, log: string, seen: Set<object>): void {
  if (seen.has(parent)) return;
  seen.add(parent);
  for (const [key, child] of Object.entries(parent)) {
    if (!(child instanceof Node) && !Array.isArray(child)) continue;
    guardBelow(child, log, seen);
    const guarded = child instanceof ExpressionStatement ? guard(child, log) : undefined;
    if (guarded !== undefined) Object.assign(parent, { [key]: guarded });
  }
}

function guard(statement: ExpressionStatement, log: string): Statement | undefined {
  const call = statement.expression;
  if (!(call instanceof CallExpression) || !(call.expression instanceof PropertyAccessExpression)) return undefined;
  const { expression: callee, property } = call.expression;
  const level = levels[property.text];
  if (!(callee instanceof IdentifierExpression) || callee.text !== log || level === undefined) return undefined;
  const name = (text: string) => Node.createIdentifierExpression(text, statement.range);
  const member = (of: Expression, text: string) => Node.createPropertyAccessExpression(of, name(text), statement.range);
  const argument = member(member(name(log), "LogLevel"), level);
  const question = Node.createCallExpression(member(name(log), "logs"), null, [argument], statement.range);
  return Node.createIfStatement(question, statement, null, statement.range);
}
