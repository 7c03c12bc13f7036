// Values of properties: what a test writes in JavaScript and what a module reads as bytes.
import { type ByteString, f64, toByteString, u64 } from "./bytes.ts";
import { NotEmulated } from "./errors.ts";
import { encodePairs, type Pair } from "./pairs.ts";

/**
 * A property: text or bytes raw; bigint as int, uint, timestamp or duration in 8 bytes; number as double in 8 bytes;
 * boolean in 1 byte; a list or an object as a block of pairs; a message, whose fields can be read one by one.
 */
export type PropertyValue =
  | string
  | Uint8Array
  | bigint
  | number
  | boolean
  | readonly PropertyValue[]
  | PropertyObject
  | Message;

export interface PropertyObject {
  readonly [key: string]: PropertyValue | undefined;
}

/**
 * A protobuf message, such as xds.node. Read as a whole it is protobuf bytes: none where no field is set, else often more
 * than the host can make.
 */
export class Message {
  readonly fields: PropertyObject;
  readonly bytes: ByteString | undefined;

  /** @param bytes the message as a whole, where the host can make it */
  constructor(fields: PropertyObject, bytes?: ByteString) {
    this.fields = fields;
    this.bytes = bytes;
  }
}

/** The value that the rest of a path leads to; undefined if it leads nowhere. */
export function walk(value: PropertyValue | undefined, path: readonly ByteString[]): PropertyValue | undefined {
  const [part, ...rest] = path;
  if (part === undefined || value === undefined) return value;
  if (value instanceof Message) return walk(own(value.fields, part), rest);
  if (isList(value)) return /^\d+$/.test(part) ? walk(value[Number(part)], rest) : undefined;
  if (isObject(value)) return walk(own(value, part), rest);
  return undefined;
}

/**
 * The bytes that proxy_get_property gives for a value.
 *
 * @param name how errors call the property
 * @throws {NotEmulated} for a whole message
 */
export function encodeProperty(value: PropertyValue, name: string): ByteString {
  if (value instanceof Message) {
    if (!isSet(value)) return "";
    if (value.bytes !== undefined) return value.bytes;
    throw new NotEmulated(`proxy_get_property(${name}), a whole message`, "read its fields");
  }
  if (typeof value === "string" || value instanceof Uint8Array) return toByteString(value);
  if (typeof value === "bigint") return u64(value);
  if (typeof value === "number") return f64(value);
  if (typeof value === "boolean") return value ? "\x01" : "\0";
  if (isList(value)) return encodePairs(value.map((item): Pair => [encodeProperty(item, name), ""]));
  return encodePairs(
    Object.entries(value).flatMap(([key, item]): Pair[] =>
      item === undefined ? [] : [[toByteString(key), encodeProperty(item, `${name}.${key}`)]],
    ),
  );
}

/** True of a field that protobuf would write. */
function isSet(field: PropertyValue | undefined): boolean {
  if (field instanceof Message) return Object.values(field.fields).some(isSet);
  if (field === undefined || field === "") return false;
  return isObject(field) ? Object.keys(field).length > 0 : true;
}

function own(fields: PropertyObject, key: string): PropertyValue | undefined {
  return Object.hasOwn(fields, key) ? fields[key] : undefined;
}

function isList(value: PropertyValue): value is readonly PropertyValue[] {
  return Array.isArray(value);
}

function isObject(value: PropertyValue): value is PropertyObject {
  return typeof value === "object" && !(value instanceof Uint8Array);
}
