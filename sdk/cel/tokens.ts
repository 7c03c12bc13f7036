// The words of CEL, as Envoy's lexer cuts them (cel-cpp parser/internal/Cel.g4).

export interface Token {
  /** `int`, `uint`, `float`, `string`, `bytes`, `name`; of a sign, an operator and a keyword what it is; `end` behind the last. */
  readonly kind: string;
  readonly text: string;
  /** Offset in UTF-16 units. */
  readonly at: number;
}

/** Why Envoy does not take a text as an expression. */
export class CelError extends Error {
  /** Whether Envoy finds it when it parses, or when it looks for functions. "message": some types of messages it would take. */
  readonly stage: "parse" | "compile" | "message";

  constructor(message: string, stage: CelError["stage"] = "parse") {
    super(message);
    this.stage = stage;
  }
}

const escaped = String.raw`\\(?:[abfnrtv"'?\x60\\]|[0-3][0-7]{2}|[xX][\dA-Fa-f]{2}|u[\dA-Fa-f]{4}|U[\dA-Fa-f]{8})`;

/** In the order in which they are tried: what is longer first. */
const texts = [
  `"""(?:${escaped}|[^\\\\])*?"""`,
  `'''(?:${escaped}|[^\\\\])*?'''`,
  `"(?:${escaped}|[^\\\\"\\n\\r])*"`,
  `'(?:${escaped}|[^\\\\'\\n\\r])*'`,
  `[rR]"""[\\s\\S]*?"""`,
  `[rR]'''[\\s\\S]*?'''`,
  `[rR]"[^"\\n\\r]*"`,
  `[rR]'[^'\\n\\r]*'`,
].join("|");

const kinds = ["space", "name", "sign", "string", "int", "bytes", "float", "uint", "quoted"];

const word = new RegExp(
  [
    String.raw`(?<space>[\t\n\f\r ]+|//[^\n]*)`,
    `(?<string>${texts})`,
    `(?<bytes>[bB](?:${texts}))`,
    String.raw`(?<float>\d+\.\d+(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+|\.\d+(?:[eE][-+]?\d+)?)`,
    String.raw`(?<uint>(?:0x[\dA-Fa-f]+|\d+)[uU])`,
    String.raw`(?<int>0x[\dA-Fa-f]+|\d+)`,
    String.raw`(?<name>[A-Za-z_]\w*)`,
    "(?<quoted>`[\\w./ -]+`)",
    String.raw`(?<sign>[=!<>]=|&&|\|\||[-!<>[\](){}.,:?+*/%])`,
  ].join("|"),
  "uy",
);

const keywords = new Set(["true", "false", "null", "in"]);

/** @throws {CelError} at what is no word */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; at = word.lastIndex) {
    word.lastIndex = at;
    const match = word.exec(text);
    const kind = kinds.find((one) => match?.groups?.[one] !== undefined);
    if (!match || kind === undefined) throw misplaced(text, { kind: "", text: text.slice(at), at });
    const [found] = match;
    if (kind !== "space") tokens.push({ kind: kind === "sign" || keywords.has(found) ? found : kind, text: found, at });
  }
  return [...tokens, { kind: "end", text: "", at: text.length }];
}

/** For a token where none like it may be. */
export function misplaced(text: string, { kind, text: found, at }: Token): CelError {
  const lines = text.slice(0, at).split("\n");
  const column = `column ${(lines.at(-1)?.length ?? 0) + 1}`;
  const place = lines.length === 1 ? column : `line ${lines.length}, ${column}`;
  const [first = ""] = found;
  if (kind === "" && /["']/.test(first)) return new CelError(`the text at ${place} has no end, or an unknown escape`);
  const what = kind === "end" ? "end of input" : JSON.stringify(kind === "" ? first : shortened(found));
  return new CelError(`${what} at ${place} can't stand there`);
}

/** For a sentence. */
export function shortened(text: string): string {
  return text.length > 40 ? `${text.slice(0, 37)}...` : text;
}
