// The types that a setting may have: what each is in the filter's configuration, in its JSON Schema, and by which call of the
// SDK's `Config` it is read.

/** A setting's value as a literal of the source gives it. */
export type Literal = string | number | boolean | null | readonly string[];

/** What a field of a class with `@config` says. */
export interface Setting {
  readonly name: string;
  /** As the source has it, without ` | null`. */
  readonly type: string;
  readonly nullable: boolean;
  /** Undefined: the setting must be there, or is an object, list or map, which are empty then. */
  readonly initial: Literal | undefined;
  /** `@range(min, max)`, both allowed. */
  readonly range: readonly [Literal, Literal] | undefined;
  /** `@oneOf(...)`: the words of an enum, in the order of its members, or of a string. */
  readonly words: readonly string[] | undefined;
  /** Of the docstring, as one line without the full stop; empty: none. */
  readonly description: string;
}

/** How a type is read. */
export interface SettingType {
  /** The method of `Config`. */
  readonly reader: string;
  /** Without default and description. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** For what `typeof` says of a default and of bounds. */
  readonly literal: "string" | "number" | "boolean" | "list";
  /** Bounds that hold without `@range`. */
  readonly bounds?: readonly [number, number];
  readonly bounded?: boolean;
  /** Default that stands for "not set": it is no value that could be written, and none in the schema. */
  readonly none?: Literal;
}

const whole = (min: number, max: number): SettingType => ({
  reader: "integer",
  schema: { type: "integer" },
  literal: "number",
  bounds: [min, max],
  bounded: true,
});

const number: SettingType = { reader: "number", schema: { type: "number" }, literal: "number", bounded: true };

/** Beyond it a JSON number no longer tells neighbours apart. */
const safe = 2 ** 53;

export const settingTypes: Readonly<Record<string, SettingType>> = {
  bool: { reader: "bool", schema: { type: "boolean" }, literal: "boolean" },
  i8: whole(-(2 ** 7), 2 ** 7 - 1),
  i16: whole(-(2 ** 15), 2 ** 15 - 1),
  i32: whole(-(2 ** 31), 2 ** 31 - 1),
  i64: whole(-safe, safe),
  u8: whole(0, 2 ** 8 - 1),
  u16: whole(0, 2 ** 16 - 1),
  u32: whole(0, 2 ** 32 - 1),
  u64: whole(0, safe),
  f32: number,
  f64: number,
  Percent: { ...number, bounds: [0, 100] },
  string: { reader: "string", schema: { type: "string" }, literal: "string" },
  Duration: {
    reader: "duration",
    schema: { type: "string", pattern: "^[0-9]+(\\.[0-9]+)?(ms|s|m|h)$" },
    literal: "string",
    bounded: true,
    none: 0,
  },
  HeaderName: {
    reader: "headerName",
    schema: { type: "string", pattern: "^[A-Za-z0-9_-]+$" },
    literal: "string",
    none: "",
  },
  "string[]": { reader: "strings", schema: { type: "array", items: { type: "string" } }, literal: "list" },
  "Map<string, string>": {
    reader: "map",
    schema: { type: "object", additionalProperties: { type: "string" } },
    literal: "list",
  },
};

/** A bound or default as a number that can be compared; NaN for what is none. */
export function magnitude(type: SettingType, value: Literal): number {
  if (typeof value === "number") return value;
  const [, digits, unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(String(value)) ?? [];
  return type.reader === "duration" ? Number(digits) * (unitMs[unit] ?? Number.NaN) : Number.NaN;
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
