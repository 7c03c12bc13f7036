import { type CelError, misplaced, type Token, tokensOf } from "./tokens.ts";

/** The words of a text, one after another. */
export class Words {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #next = 0;

  /** @throws {CelError} at what is no word */
  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokensOf(text);
  }

  /** The next word, or one behind it; the end has no end. */
  peek(ahead = 0): Token {
    return this.#tokens[this.#next + ahead] ?? { kind: "end", text: "", at: this.#text.length };
  }

  /** Goes behind the next word if it is of that kind. */
  accept(kind: string): boolean {
    if (this.peek().kind !== kind) return false;
    this.#next += 1;
    return true;
  }

  /** @throws {CelError} if the next word is of another kind */
  expect(kind: string): Token {
    const token = this.peek();
    if (!this.accept(kind)) throw this.misplaced();
    return token;
  }

  /** For the next word, where none like it may be. */
  misplaced(): CelError {
    return misplaced(this.#text, this.peek());
  }
}
