// CEL over attributes, for the foreign functions expr_create, expr_evaluate and expr_delete.
// Which expressions there are is said by `sdk/cel`; their values come from `@bufbuild/cel`, which is loaded for the first one.
// @see Envoy source/extensions/common/wasm/foreign.cc, context.cc findValue, serializeValue
import { createRequire } from "node:module";
import type { CelInput, CelValue, parse } from "@bufbuild/cel";
import * as Status from "../abi/status.ts";
import { checkExpression } from "../cel/grammar.ts";
import { CelError } from "../cel/tokens.ts";
import { type ByteString, f64, toArray, toByteString, toText, u32, u64 } from "./bytes.ts";
import { NotEmulated } from "./errors.ts";
import { encodePairs, type Pair } from "./pairs.ts";
import { Message, type PropertyValue } from "./property-value.ts";
import type { ForeignResult, StreamScope, VmScope } from "./scope.ts";

/** Values by name; undefined where there is none now. */
type Names = (name: string) => CelInput | undefined;

type Parsed = ReturnType<typeof parse>;

type Evaluate = (names: Names) => ByteString | undefined;

/** The expressions of one plugin in one VM. Their numbers are not used again. */
export class Expressions {
  readonly #expressions = new Map<number, Evaluate>();
  #next = 0;

  create(text: ByteString, vm: VmScope): ForeignResult {
    const source = toText(text);
    try {
      checkExpression(source);
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      if (error.stage === "message") throw new NotEmulated(`a message in an expression, ${source},`);
      if (error.stage === "compile") this.#next++; // as Envoy counts
      vm.info(`expr_create ${error.stage} error: ${error.message}`);
      return [Status.BadArgument];
    }
    const number = this.#next++;
    let evaluate: Evaluate | undefined;
    this.#expressions.set(number, (names) => {
      evaluate ??= language().compile(source);
      return evaluate(names);
    });
    return [Status.Ok, u32(number)];
  }

  evaluate(number: ByteString, vm: VmScope): ForeignResult {
    if (number.length !== 4) return [Status.BadArgument];
    const expression = this.#expressions.get(numberOf(number));
    if (expression === undefined) return [Status.NotFound];
    const { stream } = vm.called();
    let missing: unknown;
    const names: Names = (name) => {
      try {
        return attributeOf(name, vm, stream);
      } catch (error) {
        missing ??= error; // the language would make it a value of its own
        throw error;
      }
    };
    try {
      const bytes = expression(names);
      if (missing !== undefined) throw missing;
      return bytes === undefined ? [Status.SerializationFailure] : [Status.Ok, bytes];
    } catch (error) {
      if (missing !== undefined) throw missing;
      if (error instanceof NotEmulated) throw error;
      return [Status.InternalFailure];
    }
  }

  delete(number: ByteString): ForeignResult {
    if (number.length !== 4) return [Status.BadArgument];
    this.#expressions.delete(numberOf(number));
    return [Status.Ok];
  }
}

const numberOf = (bytes: ByteString) => Buffer.from(bytes, "latin1").readUInt32LE();

/** Attributes that have members. */
const groups = new Set(["request", "response", "connection", "upstream", "source", "destination", "metadata"]);
const scalars = new Set(["connection_id", "plugin_name", "plugin_root_id", "plugin_vm_id"]);

/** What is another type for CEL than an int, which 8 bytes do not tell. */
const types: Readonly<Record<string, "timestamp" | "duration" | "uint">> = {
  "request.time": "timestamp",
  "request.duration": "duration",
  "response.backend_latency": "duration",
  "connection.id": "uint",
  connection_id: "uint",
  "upstream.request_attempt_count": "uint",
  "upstream.num_endpoints": "uint",
};

/** What a name at the beginning of an expression stands for in the context that was called. */
function attributeOf(name: string, vm: VmScope, stream: StreamScope | undefined): CelInput | undefined {
  const read = (path: readonly string[]): CelInput | undefined => {
    const bytes = path.map(toByteString);
    const value = input(stream === undefined ? vm.property(bytes) : stream.property(bytes), path);
    if (path[1] !== "headers" || !(value instanceof Map)) return value;
    return new Members((header) => read([...path, header]), [...value]); // names in any case
  };
  const { cel } = language();
  if (name === "xds" || (stream !== undefined && groups.has(name)))
    return cel.celMap(new Members((member) => read([name, member])));
  if (scalars.has(name)) return read([name]);
  if (stream === undefined) return undefined;
  const state = (key: string) => {
    const value = stream.filterState.get(toByteString(key));
    if (value === undefined) return undefined;
    return vm.called().root?.declared.get(toByteString(key))?.isText ? toText(value) : toArray(value);
  };
  if (name !== "filter_state") return state(name);
  const object = (key: string) => {
    const value = stream.envoyObjects.get(toByteString(key))?.value;
    return value === undefined ? undefined : toText(value);
  };
  const prefix = "wasm.";
  return cel.celMap(new Members((key) => (key.startsWith(prefix) ? state(key.slice(prefix.length)) : object(key))));
}

/** A map whose members are read one by one; entries are what is counted and iterated over. */
class Members extends Map<string, CelInput> {
  readonly #read: (member: string) => CelInput | undefined;

  constructor(read: (member: string) => CelInput | undefined, entries: readonly [string, CelInput][] = []) {
    super(entries);
    this.#read = read;
  }

  override get(member: string): CelInput | undefined {
    return typeof member === "string" ? this.#read(member) : undefined;
  }
}

/** Of a property: what is text in Envoy, headers too, is text here, with U+FFFD where it is not UTF-8. */
function input(value: PropertyValue | undefined, path: readonly string[]): CelInput | undefined {
  if (typeof value === "bigint") return language().number(value, types[path.join(".")]);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("utf8");
  if (value === undefined || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.flatMap((item) => input(item, []) ?? []);
  const fields = Object.entries(value instanceof Message ? value.fields : value);
  return new Map(
    fields.flatMap(([key, field]): [string, CelInput][] => {
      const one = input(field, [...path, key]);
      return one === undefined ? [] : [[key, one]];
    }),
  );
}

type Language = ReturnType<typeof loadLanguage>;
let loaded: Language | undefined;

/** @throws {NotEmulated} if the package is not there */
function language(): Language {
  loaded ??= loadLanguage();
  return loaded;
}

function loadLanguage() {
  const require = createRequire(import.meta.url);
  let cel: typeof import("@bufbuild/cel");
  let wkt: typeof import("@bufbuild/protobuf/wkt");
  let protobuf: typeof import("@bufbuild/protobuf");
  let reflect: typeof import("@bufbuild/protobuf/reflect");
  try {
    cel = require("@bufbuild/cel");
    protobuf = require("@bufbuild/protobuf");
    wkt = require("@bufbuild/protobuf/wkt");
    reflect = require("@bufbuild/protobuf/reflect");
  } catch {
    throw new NotEmulated(
      "the foreign function expr_create",
      "npm install --save-dev @bufbuild/cel @bufbuild/protobuf",
    );
  }
  const environment = cel.celEnv();
  const second = 1_000_000_000n;

  /** @throws {NotEmulated} for what Envoy takes and the language does not */
  function compile(source: string): Evaluate {
    let evaluate: ReturnType<typeof cel.plan>;
    try {
      evaluate = cel.plan(environment, asMethods(cel.parse(source)));
    } catch (error) {
      throw new NotEmulated(`the expression ${source}`, error instanceof Error ? error.message : undefined);
    }
    return (names) => {
      const value = evaluate(new Proxy({}, { get: (_, name) => (typeof name === "string" ? names(name) : undefined) }));
      if (cel.isCelError(value)) throw value;
      return bytesOf(value);
    };
  }

  function number(value: bigint, type: "timestamp" | "duration" | "uint" | undefined): CelInput {
    if (type === undefined) return value;
    if (type === "uint") return cel.celUint(value);
    const parts = { seconds: value / second, nanos: Number(value % second) };
    return type === "timestamp"
      ? protobuf.create(wkt.TimestampSchema, parts)
      : protobuf.create(wkt.DurationSchema, parts);
  }

  /** As Envoy gives it to a module; undefined for what it does not give: null and types. */
  function bytesOf(value: CelValue): ByteString | undefined {
    if (typeof value === "string" || value instanceof Uint8Array) return toByteString(value);
    if (typeof value === "bigint") return u64(value);
    if (typeof value === "number") return f64(value);
    if (typeof value === "boolean") return value ? "\x01" : "\0";
    if (cel.isCelUint(value)) return u64(value.value);
    if (cel.isCelList(value)) return blockOf([...value].map((item) => [bytesOf(item), ""]));
    if (cel.isCelMap(value)) return blockOf([...value.entries()].map(([key, item]) => [bytesOf(key), bytesOf(item)]));
    if (!reflect.isReflectMessage(value)) return undefined;
    const { message } = value;
    if (protobuf.isMessage(message, wkt.TimestampSchema) || protobuf.isMessage(message, wkt.DurationSchema))
      return u64(message.seconds * second + BigInt(message.nanos));
    return undefined;
  }

  return { cel, compile, number };
}

function blockOf(
  pairs: readonly (readonly [ByteString | undefined, ByteString | undefined])[],
): ByteString | undefined {
  const whole = pairs.filter((pair): pair is Pair => pair[0] !== undefined && pair[1] !== undefined);
  return whole.length === pairs.length ? encodePairs(whole) : undefined;
}

/** startsWith(text, prefix) is text.startsWith(prefix). */
function asMethods(parsed: Parsed): Parsed {
  for (const call of callsIn(parsed.expr)) {
    const [target, ...rest] = call.args;
    if (functionsToo.test(call.function) && call.target === undefined && target !== undefined) {
      call.target = target;
      call.args = rest;
    }
  }
  return parsed;
}

/** A call in a parsed expression. */
interface FunctionCall {
  readonly function: string;
  target?: unknown;
  args: unknown[];
}

/** Methods that Envoy takes as functions too. */
const functionsToo = /^(contains|endsWith|matches|startsWith)$/;

/** All calls of functions in an expression. */
function callsIn(expr: unknown): FunctionCall[] {
  if (typeof expr !== "object" || expr === null) return [];
  const own = "function" in expr ? [expr as FunctionCall] : [];
  return [...own, ...Object.values(expr).flatMap(callsIn)];
}
