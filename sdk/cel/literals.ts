import { CelError, shortened, type Token } from "./tokens.ts";

/** @throws {CelError} for a number beyond 64 bits, and an escape that stands for no character */
export function checkLiteral({ kind, text }: Token, sign = ""): void {
  const number = text.replace(/u$/i, "");
  if (kind === "int" && BigInt.asIntN(64, signed(number, sign)) !== signed(number, sign)) throw tooLarge(sign + text);
  if (kind === "uint" && BigInt.asUintN(64, BigInt(number)) !== BigInt(number)) throw tooLarge(text);
  if (kind === "string" || kind === "bytes") checkText(text, kind);
}

function signed(number: string, sign: string): bigint {
  return sign === "-" ? -BigInt(number) : BigInt(number);
}

function tooLarge(text: string): CelError {
  return new CelError(`${shortened(text)} is beyond 64 bits`);
}

function checkText(text: string, kind: "string" | "bytes"): void {
  const [, prefix = "", quote = ""] = /^([a-zA-Z]*)("""|'''|"|')/.exec(text) ?? [];
  const inside = text.slice(prefix.length + quote.length, -quote.length);
  if (/r/i.test(prefix)) {
    if (/(?:^|[^\\])(?:\\\\)*\\$/.test(inside)) throw new CelError(`${shortened(text)} ends with \\`);
    return;
  }
  for (const [sequence, short, long] of inside.matchAll(/\\(?:u(.{4})|U(.{8})|[\s\S])/g)) {
    const digits = short ?? long;
    if (digits === undefined) continue;
    const code = Number.parseInt(digits, 16);
    if (kind === "bytes") throw new CelError(`${sequence} can't stand in bytes`);
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw new CelError(`${sequence} is no character`);
  }
}
