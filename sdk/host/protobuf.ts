// Protobuf as Envoy's foreign functions take and give it: flat messages of bytes and numbers.
import type { ByteString } from "./bytes.ts";

/** The last value of each field: bytes (wire type 2), or a number (wire type 0). */
export interface Fields {
  /** "" if the field is not there. */
  bytes(field: number): ByteString;
  /** 0 if the field is not there. */
  number(field: number): number;
}

/** Undefined if the bytes are no message, or one with fields of other wire types. */
export function decodeFields(message: ByteString): Fields | undefined {
  const found = new Map<number, ByteString | number>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; scale < 2 ** 63; scale *= 128) {
      const byte = message.charCodeAt(at++);
      value += (byte % 128) * scale; // NaN behind the end
      if (!(byte >= 128)) return value;
    }
    return Number.NaN;
  };
  while (at < message.length) {
    const tag = varint();
    const value = varint();
    if (Number.isNaN(tag) || Number.isNaN(value)) return undefined;
    if (tag % 8 === 0) found.set(tag / 8, value);
    else if (tag % 8 === 2 && at + value <= message.length) {
      found.set((tag - 2) / 8, message.slice(at, at + value));
      at += value;
    } else return undefined;
  }
  return {
    bytes: (field) => String(found.get(field) ?? ""),
    number: (field) => Number(found.get(field) ?? 0),
  };
}

/** A message of the fields that are set: false, 0 and "" are not. */
export function encodeFields(fields: Readonly<Record<number, ByteString | boolean>>): ByteString {
  return Object.entries(fields)
    .filter(([, value]) => value !== "" && value !== false)
    .map(([field, value]) => {
      if (typeof value === "boolean") return String.fromCharCode(Number(field) * 8, 1);
      return `${String.fromCharCode(Number(field) * 8 + 2)}${varintOf(value.length)}${value}`;
    })
    .join("");
}

function varintOf(value: number): ByteString {
  if (value < 128) return String.fromCharCode(value);
  return String.fromCharCode((value % 128) + 128) + varintOf(Math.floor(value / 128));
}
