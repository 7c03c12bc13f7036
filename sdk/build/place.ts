import { Node, type Parser, type Range, Source, Tokenizer } from "assemblyscript";

/** `SourceKind.User`, which the compiler declares only. */
const USER_SOURCE = 0;

/** Text that was made, and what it is made for: its source, and its place there. */
export interface Made {
  readonly text: string;
  readonly source: Source;
  readonly range: Range;
}

/**
 * Parses made text as if it stood where what it is made for stands.
 *
 * @throws {Error} if the text has a fault
 */
export function parseMade<T extends Node>(
  parser: Parser,
  { text, source, range }: Made,
  parse: (tokens: Tokenizer) => T | null,
): T {
  const made = new Source(USER_SOURCE, source.normalizedPath, text);
  const outer = parser.currentSource;
  parser.currentSource = made;
  const node = parse(new Tokenizer(made, parser.diagnostics));
  parser.currentSource = outer;
  if (node === null) throw new Error(`${source.normalizedPath}: what was made for it can't be parsed: ${text}`);
  place(node, range);
  return node;
}

/** Gives all of a node that was made the place of what it was made for, where errors and traps then point to. */
function place(node: object, range: Range, seen: Set<object> = new Set()): void {
  if (seen.has(node)) return;
  seen.add(node);
  if (node instanceof Node) node.range = range;
  for (const child of Object.values(node)) {
    if (child instanceof Node || Array.isArray(child)) place(child, range, seen);
  }
}
