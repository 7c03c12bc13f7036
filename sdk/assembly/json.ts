// JSON after RFC 8259, for configurations and bodies: strict, without exceptions, and with the position of the first fault.
// What is read is not trusted; nesting is bounded because each level takes stack.
import { parseDecimal } from "./decimal";
import { joinTexts } from "./text";

/** What a JSON value is. */
export enum JsonKind {
  Null,
  Bool,
  Number,
  String,
  Array,
  Object,
}

/** One value of a document. */
@final
export class JsonValue {
  bool: bool = false;
  number: f64 = 0;
  /** Of a string: its text. Of a number: as it is written. */
  text: string = "";
  /** Elements of an array, members of an object. */
  items: JsonValue[] = [];
  /** Names of an object's members, in the order of `items`. */
  names: string[] = [];

  constructor(readonly kind: JsonKind) {}

  static object(): JsonValue {
    return new JsonValue(JsonKind.Object);
  }

  static string(text: string): JsonValue {
    const value = new JsonValue(JsonKind.String);
    value.text = text;
    return value;
  }

  /** A number; what JSON has none for is null, as in JavaScript. */
  static number(number: f64): JsonValue {
    if (!isFinite(number)) return new JsonValue(JsonKind.Null);
    const value = new JsonValue(JsonKind.Number);
    value.number = number;
    const isWhole = trunc(number) == number && abs(number) < 9007199254740992;
    value.text = isWhole ? (<i64>number).toString() : number.toString(); // AssemblyScript writes 1.0 for 1
    return value;
  }

  /** A member by name; null if there is none. */
  get(name: string): JsonValue | null {
    const at = this.names.lastIndexOf(name);
    return at < 0 ? null : this.items[at];
  }

  /** Gives an object a member, in the place of the first one with this name, or as the last. Returns the object. */
  set(name: string, value: JsonValue): JsonValue {
    const at = this.names.indexOf(name);
    if (at < 0) {
      this.names.push(name);
      this.items.push(value);
    } else {
      this.items[at] = value;
      this.removeFrom(at + 1, name);
    }
    return this;
  }

  /** Takes all members of this name out; nothing happens if there is none. */
  remove(name: string): void {
    this.removeFrom(0, name);
  }

  private removeFrom(start: i32, name: string): void {
    const names = this.names;
    let kept = start;
    for (let at = start; at < names.length; at++) {
      if (names[at] == name) continue;
      names[kept] = names[at];
      this.items[kept++] = this.items[at];
    }
    this.items.length -= names.length - kept; // a list has items, but no names
    names.length = kept;
  }

  /** The value as JSON, without blanks. Numbers are written as they were read. */
  toString(): string {
    const parts: string[] = [];
    this.write(parts);
    return joinTexts(parts);
  }

  private write(parts: string[]): void {
    if (this.kind == JsonKind.String) writeString(this.text, parts);
    else if (this.kind == JsonKind.Array || this.kind == JsonKind.Object) this.writeItems(parts);
    else parts.push(this.describe());
  }

  private writeItems(parts: string[]): void {
    const isObject = this.kind == JsonKind.Object;
    parts.push(isObject ? "{" : "[");
    for (let i = 0; i < this.items.length; i++) {
      if (i) parts.push(",");
      if (isObject) {
        writeString(this.names[i], parts);
        parts.push(":");
      }
      this.items[i].write(parts);
    }
    parts.push(isObject ? "}" : "]");
  }

  /** The value as a sentence shows it: `"10"`, `10`, `true`, `null`, `a list`, `an object`. */
  describe(): string {
    if (this.kind == JsonKind.String) return '"' + this.text + '"';
    if (this.kind == JsonKind.Number) return this.text;
    if (this.kind == JsonKind.Bool) return this.bool ? "true" : "false";
    if (this.kind == JsonKind.Null) return "null";
    return this.kind == JsonKind.Array ? "a list" : "an object";
  }
}

/** What is written as an escape: quote, backslash, control characters. */
function writeString(text: string, parts: string[]): void {
  parts.push('"');
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x20 && code != 0x22 && code != 0x5c) continue;
    parts.push(text.substring(from, at));
    parts.push(code < 0x20 ? "\\u00" + (code < 0x10 ? "0" : "") + code.toString(16) : "\\" + String.fromCharCode(code));
    from = at + 1;
  }
  parts.push(from ? text.substring(from) : text);
  parts.push('"');
}

/** Reads a document; null if it is not JSON, or nested deeper than 32. Of members with the same name the last one counts. */
export function parseJson(text: string): JsonValue | null {
  return new JsonReader(text, true).read();
}

const MAX_DEPTH = 32;

/** Reads one document. */
@final
export class JsonReader {
  /** What is wrong, in words; empty if nothing is. */
  fault: string = "";
  private at: i32 = 0;

  /** @param isBody names may be there twice: to compare all with all takes minutes in what others send */
  constructor(
    private text: string,
    private isBody: bool = false,
  ) {}

  /** The document's value; null, and `fault` says why, if it is not JSON. */
  read(): JsonValue | null {
    const value = this.value(0);
    if (value == null) return null;
    this.skipSpace();
    return this.at < this.text.length ? this.fail("more text after the value") : value;
  }

  /** Where the fault is, counted in UTF-16 units from 1. */
  get column(): i32 {
    return this.at + 1;
  }

  private value(depth: i32): JsonValue | null {
    if (depth > MAX_DEPTH) return this.fail("nested deeper than " + MAX_DEPTH.toString());
    this.skipSpace();
    const code = this.peek();
    if (code == 0x7b /* { */) return this.object(depth);
    if (code == 0x5b /* [ */) return this.array(depth);
    if (code == 0x22 /* " */) {
      const text = this.string();
      if (text == null) return null;
      const value = new JsonValue(JsonKind.String);
      value.text = text;
      return value;
    }
    if (code == 0x2d /* - */ || isDigit(code)) return this.number();
    if (this.word("true") || this.word("false")) {
      const value = new JsonValue(JsonKind.Bool);
      value.bool = code == 0x74; /* t */
      return value;
    }
    if (this.word("null")) return new JsonValue(JsonKind.Null);
    return this.fail(code < 0 ? "the text ends where a value should stand" : "no value starts like this");
  }

  private object(depth: i32): JsonValue | null {
    const object = new JsonValue(JsonKind.Object);
    this.at++;
    this.skipSpace();
    if (this.take(0x7d /* } */)) return object;
    while (true) {
      this.skipSpace();
      if (this.peek() != 0x22) return this.fail("a member's name in quotes is missing");
      const name = this.string();
      if (name == null) return null;
      if (!this.isBody && object.names.includes(name)) return this.fail('"' + name + '" is there twice');
      this.skipSpace();
      if (!this.take(0x3a /* : */)) return this.fail('":" is missing');
      const value = this.value(depth + 1);
      if (value == null) return null;
      object.names.push(name);
      object.items.push(value);
      this.skipSpace();
      if (this.take(0x7d)) return object;
      if (!this.take(0x2c /* , */)) return this.fail('"," or "}" is missing');
    }
  }

  private array(depth: i32): JsonValue | null {
    const array = new JsonValue(JsonKind.Array);
    this.at++;
    this.skipSpace();
    if (this.take(0x5d /* ] */)) return array;
    while (true) {
      const value = this.value(depth + 1);
      if (value == null) return null;
      array.items.push(value);
      this.skipSpace();
      if (this.take(0x5d)) return array;
      if (!this.take(0x2c)) return this.fail('"," or "]" is missing');
    }
  }

  private number(): JsonValue | null {
    const start = this.at;
    this.take(0x2d);
    if (!this.take(0x30 /* 0 */) && !this.digits()) return this.fail("a digit is missing");
    if (this.take(0x2e /* . */) && !this.digits()) return this.fail("a digit is missing");
    if (this.take(0x65) || this.take(0x45) /* e, E */) {
      if (!this.take(0x2b)) this.take(0x2d);
      if (!this.digits()) return this.fail("a digit is missing");
    }
    const value = new JsonValue(JsonKind.Number);
    value.text = this.text.substring(start, this.at);
    value.number = parseDecimal(value.text);
    return value;
  }

  private string(): string | null {
    const start = ++this.at;
    const size = this.units(0);
    if (size < 0) return null;
    if (size == this.at - 1 - start) return this.text.substring(start, this.at - 1);
    this.at = start;
    const text = changetype<string>(__new(size << 1, idof<string>()));
    this.units(changetype<usize>(text));
    return text;
  }

  /** Reads a string to its closing quote, and writes its UTF-16 units to `out` unless that is 0. Returns how many; -1: a fault. */
  private units(out: usize): i32 {
    let size = 0;
    while (true) {
      let code = this.peek();
      if (code < 0) return this.failUnits("a string is not closed");
      if (code < 0x20) return this.failUnits("a control character in a string is not written as an escape");
      this.at++;
      if (code == 0x22) return size;
      if (code == 0x5c /* \ */) {
        code = this.escape();
        if (code < 0) return this.failUnits("no such escape");
      }
      if (out) store<u16>(out + (size << 1), code);
      size++;
    }
  }

  /** The UTF-16 unit that stands for what follows a backslash; -1 if nothing does. */
  private escape(): i32 {
    const code = this.peek();
    const at = '"\\/bfnrt'.indexOf(code < 0 ? "\0" : String.fromCharCode(code));
    if (at >= 0) {
      this.at++;
      return '"\\/\b\f\n\r\t'.charCodeAt(at);
    }
    if (!this.take(0x75 /* u */)) return -1;
    let unit = 0;
    for (let i = 0; i < 4; i++) {
      const digit = hexDigit(this.peek());
      if (digit < 0) return -1;
      unit = (unit << 4) | digit;
      this.at++;
    }
    return unit;
  }

  private word(word: string): bool {
    if (this.text.substr(this.at, word.length) != word) return false;
    this.at += word.length;
    return true;
  }

  private digits(): bool {
    const start = this.at;
    while (isDigit(this.peek())) this.at++;
    return this.at > start;
  }

  private skipSpace(): void {
    while (true) {
      const code = this.peek();
      if (code != 0x20 && code != 0x0a && code != 0x0d && code != 0x09) return;
      this.at++;
    }
  }

  private take(code: i32): bool {
    if (this.peek() != code) return false;
    this.at++;
    return true;
  }

  /** The unit at the reader's place; -1 at the end. */
  private peek(): i32 {
    return this.at < this.text.length ? this.text.charCodeAt(this.at) : -1;
  }

  private fail(what: string): JsonValue | null {
    this.fault = what;
    return null;
  }

  private failUnits(what: string): i32 {
    this.fault = what;
    return -1;
  }
}

function isDigit(code: i32): bool {
  return code >= 0x30 && code <= 0x39;
}

function hexDigit(code: i32): i32 {
  if (isDigit(code)) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}
