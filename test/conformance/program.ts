// A script's steps as text -> the program that the probe runs. Layout, numbers little-endian:
//
//   u16 handlers, each: u8 size, root_id | u8 callback, in the order of `callbackNames` | u16 size, steps
//   step: 1 call | 2 i64 (return) | 3 (trap) | 4 call, u16 size, step (if the call is Ok) | 5 u16 offset, u16 size (show)
//         | 6 i64 (return, unless the stream ends)
//   call: u16 size, text | u16 hostcall, in the order of `hostcalls` | u8 register that takes its number, 255 none
//         | u8 arguments, each: u8 kind and what belongs to it
import { callbacks } from "../../sdk/abi/callbacks.ts";
import { encodePairs } from "../../sdk/host/pairs.ts";
import { hostcalls, type Written } from "./shapes.ts";

/** Callbacks that a script can handle, as it names them: without `proxy_on_`. */
export const callbackNames = [...callbacks("0.2.1")]
  .map(([name]) => name)
  .filter((name) => /^(proxy|envoy)_(on|validate)_/.test(name) && name !== "proxy_on_memory_allocate")
  .map((name) => ({ export: name, name: name.replace(/^proxy_(on_)?/, "") }));

/** Steps of each callback, a line each. */
export type Handlers = Readonly<Record<string, string>>;

/** The kinds of arguments, as core.ts numbers them. */
const Kind = { word: 0, bytes: 1, register: 2, scratch: 7, vector: 8, nowhere: 9, repeated: 10 } as const;
const outKinds: Readonly<Record<Written, number>> = { word: 3, long: 4, value: 5, pairs: 6 };

/** Registers that the probe fills itself. */
const ownRegisters = ["stream", "self"];

/** @param roots handlers by root_id @throws {Error} naming the line that can't be read */
export function compileProgram(roots: ReadonlyMap<string, Handlers>): Buffer {
  const registers = [...ownRegisters];
  const handlers = [...roots].flatMap(([root, steps]) =>
    Object.entries(steps).map(([callback, text]) => handler({ root, callback, text }, registers)),
  );
  return Buffer.concat([u16(handlers.length), ...handlers]);
}

/** The steps of a handler, as they appear in the log. */
export function stepsOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

function handler(
  { root, callback, text }: { readonly root: string; readonly callback: string; readonly text: string },
  registers: string[],
): Buffer {
  const index = callbackNames.findIndex(({ name }) => name === callback);
  if (index === -1) throw new Error(`there is no callback ${callback}`);
  const body = Buffer.concat(stepsOf(text).map((line) => step(line, registers)));
  return Buffer.concat([sized8(Buffer.from(root)), u8(index), u16(body.length), body]);
}

function step(line: string, registers: string[]): Buffer {
  const [, condition, then] = /^if (.*?\)): (.*)$/.exec(line) ?? [];
  if (condition !== undefined && then !== undefined) {
    const next = step(then, registers);
    return Buffer.concat([u8(4), call(condition, undefined, registers), u16(next.length), next]);
  }
  const [, result] = /^return (\d+)$/.exec(line) ?? [];
  if (result !== undefined) return Buffer.concat([u8(2), i64(BigInt(result))]);
  const [, action] = /^hold (\d+)$/.exec(line) ?? [];
  if (action !== undefined) return Buffer.concat([u8(6), i64(BigInt(action))]);
  if (line === "trap") return u8(3);
  const [, offset, size] = /^show &(\d+) (\d+)$/.exec(line) ?? [];
  if (offset !== undefined) return Buffer.concat([u8(5), u16(Number(offset)), u16(Number(size))]);
  const [, name, rest] = /^(\w+) = (.*)$/.exec(line) ?? [];
  if (name === undefined || rest === undefined) return Buffer.concat([u8(1), call(line, undefined, registers)]);
  if (!registers.includes(name)) registers.push(name);
  return Buffer.concat([u8(1), call(rest, registers.indexOf(name), registers)]);
}

function call(text: string, saved: number | undefined, registers: readonly string[]): Buffer {
  const [, name, list = ""] = /^(\w+)\((.*)\)$/s.exec(text) ?? [];
  const index = hostcalls.findIndex((hostcall) => hostcall.name === name);
  const shape = hostcalls[index];
  if (shape === undefined) throw new Error(`${text}: no step and no hostcall`);
  const values = args(list);
  if (values.length !== shape.given.length) throw new Error(`${text}: wants (${shape.given.join(", ")})`);
  const given = shape.given.map((kind, i) => argument(kind, values[i] ?? "", registers));
  const all = [...given, ...shape.written.map((kind) => u8(outKinds[kind]))];
  return Buffer.concat([sized16(Buffer.from(text)), u16(index), u8(saved ?? 255), u8(all.length), ...all]);
}

/** `'a', 1, {'b': 'c'}` -> its parts. */
function args(list: string): string[] {
  return [...list.matchAll(/\s*({[^}]*}(?: \* \d+)?|'(?:[^'\\]|\\.)*'|[^,\s]+)\s*(?:,|$)/g)].map(
    ([, value = ""]) => value,
  );
}

function argument(kind: string, value: string, registers: readonly string[]): Buffer {
  if (value === "@nowhere") return u8(Kind.nowhere);
  if (value.startsWith("&")) return Buffer.concat([u8(Kind.scratch), u16(Number(value.slice(1)))]);
  if (value.startsWith("$")) {
    const register = registers.indexOf(value.slice(1));
    if (register === -1) throw new Error(`${value}: nothing was saved under that name`);
    return Buffer.concat([u8(Kind.register), u8(register)]);
  }
  if (kind === "word" || kind === "long") return Buffer.concat([u8(Kind.word), i64(BigInt(value))]);
  const [, block, times] = /^({.*}) \* (\d+)$/.exec(value) ?? [];
  if (block !== undefined) return repeated(block, Number(times));
  const bytes = bytesOf(value);
  if (kind === "path") return Buffer.concat([u8(Kind.bytes), sized16(Buffer.from(pathOf(bytes), "latin1"))]);
  return Buffer.concat([u8(kind === "vector" ? Kind.vector : Kind.bytes), sized16(Buffer.from(bytes, "latin1"))]);
}

/** `{'name': 'value'} * 1025`: the probe puts it together, as it may be larger than the place of a program. */
function repeated(block: string, times: number): Buffer {
  const bytes = Buffer.from(bytesOf(block), "latin1");
  const count = bytes.readUInt32LE();
  const [sizes, texts] = [bytes.subarray(4, 4 + 8 * count), bytes.subarray(4 + 8 * count)];
  return Buffer.concat([u8(Kind.repeated), u16(count), u16(times), sized16(sizes), sized16(texts)]);
}

/** A literal's bytes: `'text\x00'`, or `{'name': 'value'}` as a block of pairs. */
function bytesOf(literal: string): string {
  if (literal.startsWith("{")) {
    const texts = [...literal.matchAll(/'((?:[^'\\]|\\.)*)'/g)].map(([, text = ""]) => unescaped(text));
    const pairs = texts.flatMap((name, i) => (i % 2 === 0 ? [[name, texts[i + 1] ?? ""] as const] : []));
    return encodePairs(pairs);
  }
  if (!/^'.*'$/s.test(literal)) throw new Error(`${literal}: write a text as 'text'`);
  return unescaped(literal.slice(1, -1));
}

function unescaped(text: string): string {
  return Buffer.from(text)
    .toString("latin1")
    .replace(/\\x([0-9a-f]{2})|\\(.)/g, (_, hex: string | undefined, char: string) =>
      hex === undefined ? char : String.fromCharCode(Number.parseInt(hex, 16)),
    );
}

/** Dots separate the parts of a path; a dot that belongs to a part is written `~.`. */
function pathOf(text: string): string {
  return text.replace(/~\.|\./g, (dot) => (dot === "." ? "\0" : "."));
}

const u8 = (value: number) => Buffer.from([value]);
const sized8 = (bytes: Buffer) => Buffer.concat([u8(bytes.length), bytes]);
const sized16 = (bytes: Buffer) => Buffer.concat([u16(bytes.length), bytes]);

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function i64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
}
