// Typed access to a plugin's configuration. Every wrong field is a problem with its path, all of them are gathered, and
// reading goes on with the default: nothing throws, for a throw would end the VM.
import {
  BoolField,
  DurationField,
  HeaderNameField,
  IntegerField,
  ListField,
  NumberField,
  OneOfField,
  StringField,
} from "./config-fields";
import { JsonKind, JsonReader, JsonValue } from "./json";
import { decodeUtf8 } from "./utf8";

/** Nanoseconds. In a class with `@config`: a text such as `10s`, `250ms` or `1m`; 0 as its default: not set. */
export type Duration = i64;

/** 0 to 100, as in Istio's and Envoy's `Percent`: a number, not a text with a sign. Half a percent is 0.5. */
export type Percent = f64;

/** Letters, digits, `-` and `_`, read in lower case as Envoy holds names; empty as a default: not set. */
export type HeaderName = string;

/** What is wrong with a configuration, collected from all its parts. */
@final
export class Problems {
  readonly sentences: string[] = [];

  /** `<path> is <found>: <what is wrong>; <what to do>`. */
  add(path: string, found: JsonValue | null, what: string): void {
    const is = found == null ? " is missing: " : " is " + found.describe() + ": ";
    this.sentences.push(path + is + what);
  }
}

/**
 * One object of the configuration. A field is asked for by name and type, its bounds, and what it is where it is
 * missing: `config.duration("window").between("1s", "10m").or("10s")`. A field that nobody asks for is unknown, and a
 * problem.
 */
@final
export class Config {
  private known: string[] = [];
  private parts: Config[] = [];
  private isRaw: bool = false;

  constructor(
    private raw: Uint8Array,
    private node: JsonValue,
    private path: string,
    private problems: Problems,
  ) {}

  /** The configuration as it came, for a plugin that reads it by itself: then it need not be JSON. */
  get bytes(): Uint8Array {
    this.isRaw = true;
    return this.raw;
  }

  /** Seconds and the like, such as `10s`, `250ms`, `1m`; in nanoseconds. */
  duration(name: string): DurationField {
    return new DurationField(this.find(name), this.at(name), this.problems);
  }

  /** A whole number. */
  integer(name: string): IntegerField {
    return new IntegerField(this.find(name), this.at(name), this.problems);
  }

  /** Any number. */
  number(name: string): NumberField {
    return new NumberField(this.find(name), this.at(name), this.problems);
  }

  bool(name: string): BoolField {
    return new BoolField(this.find(name), this.at(name), this.problems);
  }

  string(name: string): StringField {
    return new StringField(this.find(name), this.at(name), this.problems);
  }

  /** The name of a header: letters, digits, `-` and `_`. */
  headerName(name: string): HeaderNameField {
    return new HeaderNameField(this.find(name), this.at(name), this.problems);
  }

  /** One of some words. */
  oneOf(name: string, words: string[]): OneOfField {
    return new OneOfField(this.find(name), this.at(name), this.problems, words);
  }

  /** A list of strings. */
  strings(name: string): ListField {
    return new ListField(this.find(name), this.at(name), this.problems);
  }

  /** An object in a field; an empty one where it is missing. */
  object(name: string): Config {
    return this.part(this.find(name), this.at(name));
  }

  /** A list of objects in a field; empty where it is missing. */
  objects(name: string): Config[] {
    const list = this.find(name);
    const parts: Config[] = [];
    if (list == null) return parts;
    if (list.kind != JsonKind.Array) {
      this.problems.add(this.at(name), list, "a list is expected");
      return parts;
    }
    for (let i = 0; i < list.items.length; i++) {
      parts.push(this.part(list.items[i], this.at(name) + "[" + i.toString() + "]"));
    }
    return parts;
  }

  /** All settings of a class with `@config`. */
  read<T>(): T {
    return instantiate<T>(this);
  }

  /** A list of objects in a field, each of a class with `@config`; empty where it is missing. */
  list<T>(name: string): T[] {
    const parts = this.objects(name);
    const list: T[] = [];
    for (let i = 0; i < parts.length; i++) list.push(parts[i].read<T>());
    return list;
  }

  /** An object of texts; empty where it is missing. */
  map(name: string): Map<string, string> {
    const map = new Map<string, string>();
    const object = this.find(name);
    if (object == null) return map;
    if (object.kind != JsonKind.Object) {
      this.problems.add(this.at(name), object, "an object is expected");
      return map;
    }
    for (let i = 0; i < object.names.length; i++) {
      const value = object.items[i];
      if (value.kind == JsonKind.String) map.set(object.names[i], value.text);
      else this.problems.add(this.at(name) + "." + object.names[i], value, "a text in quotes is expected");
    }
    return map;
  }

  /** Whether the field is there. */
  has(name: string): bool {
    return this.find(name) != null;
  }

  /** Refuses a field's value for a reason of the plugin's own, such as `must be less than max`. */
  reject(name: string, what: string): void {
    this.problems.add(this.at(name), this.find(name), what);
  }

  /** All problems, now that everything was asked for. */
  finish(): string[] {
    if (this.isRaw) return [];
    this.rejectUnknown();
    return this.problems.sentences;
  }

  private rejectUnknown(): void {
    for (let i = 0; i < this.node.names.length; i++) {
      const name = this.node.names[i];
      if (this.known.includes(name)) continue;
      const words = this.known.length ? "; known are " + this.known.join(", ") : "";
      this.problems.sentences.push(this.at(name) + " is unknown" + words);
    }
    for (let i = 0; i < this.parts.length; i++) this.parts[i].rejectUnknown();
  }

  private part(value: JsonValue | null, path: string): Config {
    if (value != null && value.kind != JsonKind.Object) {
      this.problems.add(path, value, "an object is expected");
      value = null;
    }
    const object = value == null ? new JsonValue(JsonKind.Object) : value;
    const part = new Config(this.raw, object, path, this.problems);
    this.parts.push(part);
    return part;
  }

  private find(name: string): JsonValue | null {
    if (!this.known.includes(name)) this.known.push(name);
    const at = this.node.names.indexOf(name); // no name is there twice; `get` would bring code that looks from the end
    return at < 0 ? null : this.node.items[at];
  }

  private at(name: string): string {
    return this.path.length ? this.path + "." + name : name;
  }
}

/** Reads a configuration; none at all is an empty one. What is no object is a problem. */
export function parseConfig(bytes: Uint8Array): Config {
  const problems = new Problems();
  let object: JsonValue | null = null;
  if (bytes.length) {
    const reader = new JsonReader(decodeUtf8(bytes.dataStart, bytes.byteLength));
    const value = reader.read();
    if (value == null) {
      problems.sentences.push(
        "the configuration is no JSON at column " + reader.column.toString() + ": " + reader.fault,
      );
    } else if (value.kind != JsonKind.Object) {
      problems.add("the configuration", value, "an object is expected");
    } else {
      object = value;
    }
  }
  return new Config(bytes, object == null ? new JsonValue(JsonKind.Object) : object, "", problems);
}
