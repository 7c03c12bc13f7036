// One class for each type of field; each ends in `or(default)` or `required()`, which give the value.
import { Problems } from "./config";
import { formatDecimal } from "./decimal";
import { durationFault, formatDuration, parseDuration } from "./duration";
import { JsonKind, JsonValue } from "./json";

/** A field's value, its path, and where to report. */
abstract class Field {
  constructor(
    protected value: JsonValue | null,
    protected path: string,
    protected problems: Problems,
  ) {}

  /** The value if it is of this kind; else null, and a problem if there is another. */
  protected of(kind: JsonKind, expected: string): JsonValue | null {
    const value = this.value;
    if (value == null || value.kind == kind) return value;
    this.problems.add(this.path, value, expected + " is expected");
    return null;
  }

  protected reject(what: string): void {
    this.problems.add(this.path, this.value, what);
  }

  protected demand(): void {
    if (this.value == null) this.reject("it has no default");
  }
}

/** A field that is a time, in nanoseconds. */
@final
export class DurationField extends Field {
  private min: u64 = 0;
  private max: u64 = u64.MAX_VALUE;

  /** Bounds, both allowed. */
  between(min: string, max: string): this {
    this.min = parseDuration(min);
    this.max = parseDuration(max);
    return this;
  }

  /** Nanoseconds. */
  or(missing: string): u64 {
    const value = this.of(JsonKind.String, 'a duration such as "10s"');
    if (value == null) return parseDuration(missing);
    const ns = parseDuration(value.text);
    if (durationFault.length) {
      this.reject(durationFault);
      return parseDuration(missing);
    }
    if (ns < this.min || ns > this.max) {
      this.reject("it must be from " + formatDuration(this.min) + " to " + formatDuration(this.max));
    }
    return ns;
  }

  /** Nanoseconds; 0 where the field is missing. */
  orNone(): u64 {
    return this.or("0s");
  }

  required(): u64 {
    this.demand();
    return this.or("0s");
  }
}

/** A number within bounds. */
abstract class BoundedField extends Field {
  protected min: f64 = -Infinity;
  protected max: f64 = Infinity;

  protected bounded(missing: f64, whole: bool): f64 {
    const value = this.of(JsonKind.Number, whole ? "a whole number" : "a number");
    if (value == null) return missing;
    const number = value.number;
    // Beyond 2^53 a double no longer tells neighbours apart.
    if (whole && (number != floor(number) || abs(number) > 9007199254740992)) this.reject("a whole number is expected");
    else if (!(number >= this.min && number <= this.max)) {
      this.reject("it must be from " + formatDecimal(this.min) + " to " + formatDecimal(this.max));
    } else return number;
    return missing;
  }
}

/** A field that is a whole number. */
@final
export class IntegerField extends BoundedField {
  /** Bounds, both allowed. */
  between(min: i64, max: i64): this {
    this.min = <f64>min;
    this.max = <f64>max;
    return this;
  }

  or(missing: i64): i64 {
    return <i64>this.bounded(<f64>missing, true);
  }

  required(): i64 {
    this.demand();
    return this.or(0);
  }
}

/** A field that is any number. */
@final
export class NumberField extends BoundedField {
  /** Bounds, both allowed. */
  between(min: f64, max: f64): this {
    this.min = min;
    this.max = max;
    return this;
  }

  or(missing: f64): f64 {
    return this.bounded(missing, false);
  }

  required(): f64 {
    this.demand();
    return this.or(0);
  }
}

/** A field that is true or false. */
@final
export class BoolField extends Field {
  or(missing: bool): bool {
    const value = this.of(JsonKind.Bool, "true or false");
    return value == null ? missing : value.bool;
  }

  required(): bool {
    this.demand();
    return this.or(false);
  }
}

/** A field that is a text. */
@final
export class StringField extends Field {
  or(missing: string): string {
    const value = this.of(JsonKind.String, "a text in quotes");
    return value == null ? missing : value.text;
  }

  /** Null where the field is missing. */
  orNone(): string | null {
    const value = this.of(JsonKind.String, "a text in quotes");
    return value == null ? null : value.text;
  }

  required(): string {
    this.demand();
    return this.or("");
  }
}

/** A field that is a header's name, read as Envoy holds it: in lower case. */
@final
export class HeaderNameField extends Field {
  or(missing: string): string {
    const value = this.of(JsonKind.String, "the name of a header");
    if (value == null) return missing;
    const name = headerName(value.text);
    if (name.length) return name;
    this.reject("it is no name of a header; letters, digits, - and _ make one");
    return missing;
  }

  required(): string {
    this.demand();
    return this.or("");
  }
}

/** A field that is one of some words. */
@final
export class OneOfField extends Field {
  constructor(
    value: JsonValue | null,
    path: string,
    problems: Problems,
    private words: string[],
  ) {
    super(value, path, problems);
  }

  or(missing: string): string {
    const at = this.indexOr(-1);
    return at < 0 ? missing : this.words[at];
  }

  required(): string {
    return this.words[this.requiredIndex()];
  }

  /** The word's place among the words, as an enum of them counts. */
  indexOr(missing: i32): i32 {
    const expected = "one of " + this.words.join(", ");
    const value = this.of(JsonKind.String, expected);
    if (value == null) return missing;
    const at = this.words.indexOf(value.text);
    if (at >= 0) return at;
    this.reject(expected + " is expected");
    return missing;
  }

  requiredIndex(): i32 {
    this.demand();
    return this.indexOr(0);
  }
}

/** A field that is a list of texts. */
@final
export class ListField extends Field {
  or(missing: string[]): string[] {
    const list = this.of(JsonKind.Array, "a list of texts");
    if (list == null) return missing;
    const texts: string[] = [];
    for (let i = 0; i < list.items.length; i++) {
      const item = list.items[i];
      if (item.kind == JsonKind.String) texts.push(item.text);
      else this.problems.add(this.path + "[" + i.toString() + "]", item, "a text in quotes is expected");
    }
    return texts;
  }

  required(): string[] {
    this.demand();
    return this.or([]);
  }
}

/** In lower case; empty: it is none. Fewer characters than RFC 9110 allows, but what Envoy and applications take everywhere. */
function headerName(text: string): string {
  let name = "";
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i);
    if (code >= 0x41 && code <= 0x5a) code |= 0x20;
    const isLetter = code >= 0x61 && code <= 0x7a;
    if (!isLetter && (code < 0x30 || code > 0x39) && code != 0x2d && code != 0x5f) return "";
    name += String.fromCharCode(code);
  }
  return name;
}
