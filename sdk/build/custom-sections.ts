// Edits a module's custom sections; the others stay byte for byte.
import { ByteReader } from "../module/byte-reader.ts";

/** The module with this custom section as its last, in the place of any of the same name. */
export function withCustomSection(module: Uint8Array, name: string, content: Uint8Array): Uint8Array {
  return concat([withoutCustomSection(module, name), customSection(name, content)]);
}

/** The module without the custom sections of this name. */
export function withoutCustomSection(module: Uint8Array, name: string): Uint8Array {
  const kept = [...sectionsOf(module)].filter((section) => section.name !== name).map(({ bytes }) => bytes);
  return concat([module.subarray(0, 8), ...kept]);
}

/** The module with shorter names of functions, and of nothing else, for Envoy's stack traces. */
export function withShortNames(module: Uint8Array): Uint8Array {
  const names = [...sectionsOf(module)].find(({ name }) => name === "name");
  return names ? withCustomSection(module, "name", shortNames(names.content)) : module;
}

interface Section {
  /** Of a custom section; else undefined. */
  readonly name?: string;
  /** What follows a custom section's name. */
  readonly content: Uint8Array;
  /** The section with its head. */
  readonly bytes: Uint8Array;
}

function* sectionsOf(module: Uint8Array): Generator<Section> {
  const reader = new ByteReader(module, 8);
  while (!reader.done) {
    const id = reader.byte();
    const body = reader.take(reader.u32());
    const bytes = concat([[id], leb(body.length), body]);
    const inner = new ByteReader(body);
    yield id === 0 ? { name: inner.name(), content: inner.rest(), bytes } : { content: body, bytes };
  }
}

/** Subsection 1 of the name section, the functions' names, without the paths that all of the SDK and the library share. */
function shortNames(content: Uint8Array): Uint8Array {
  const reader = new ByteReader(content);
  while (!reader.done) {
    const id = reader.byte();
    const body = reader.take(reader.u32());
    if (id !== 1) continue;
    const functions = new ByteReader(body);
    const entries = functions.vector(() => ({ index: functions.u32(), name: shorten(functions.name()) }));
    const map = concat([leb(entries.length), ...entries.flatMap(({ index, name }) => [leb(index), text(name)])]);
    return concat([[1], leb(map.length), map]);
  }
  return new Uint8Array(0);
}

/**
 * `~lib/@sluice/sdk/assembly/header-map/HeaderMap#add` -> `HeaderMap#add`, and so for the filter's own: the name of a class
 * says enough, that of a callback too, a function keeps the name of its file.
 */
function shorten(name: string): string {
  return name
    .replace(/(~lib\/@sluice\/sdk|(filters|examples)\/[^/]+)\/assembly\/(exports\/)?|~lib\//g, "")
    .replace(/([\w-]+\/)+(?=[A-Z])/g, "");
}

function customSection(name: string, content: Uint8Array): Uint8Array {
  const body = concat([text(name), content]);
  return concat([[0], leb(body.length), body]);
}

function text(value: string): Uint8Array {
  const bytes = new TextEncoder().encode(value);
  return concat([leb(bytes.length), bytes]);
}

/** Unsigned LEB128. */
function leb(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 128);
  }
}

function concat(parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
