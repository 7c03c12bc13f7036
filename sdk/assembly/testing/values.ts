// What the SDK computes without a host, for the tests beside it.
import { Config, parseConfig } from "../config";
import { durationFault, formatDuration, parseDuration } from "../duration";
import { Argument } from "../host-memory";
import { JsonKind, JsonReader, JsonValue, parseJson } from "../json";
import { labelled } from "../labels";
import { decodePairs, encodePairs } from "../pairs";
import { decodeUtf8, encodeUtf8 } from "../utf8";

/** The document as its parts are, each in a form of its own; `column: fault` if it is none. */
export function json(text: string): string {
  const reader = new JsonReader(text);
  const value = reader.read();
  return value == null ? reader.column.toString() + ": " + reader.fault : show(value);
}

/** The document as JSON again, without the members "gone" of its first level. */
export function written(text: string): string {
  const value = parseJson(text);
  if (value == null) return "no JSON";
  value.remove("gone");
  return value.toString();
}

/** Each member "a" of the document's first level replaced by one. */
export function replaced(text: string): string {
  const value = parseJson(text);
  return value == null ? "no JSON" : value.set("a", JsonValue.string("new")).toString();
}

/** A number as JSON has it. */
export function writtenNumber(number: f64): string {
  return JsonValue.object()
    .set("n", JsonValue.string("old"))
    .set("s", JsonValue.string("é"))
    .set("n", JsonValue.number(number))
    .toString();
}

function show(value: JsonValue): string {
  if (value.kind == JsonKind.Array) return "[" + value.items.map<string>((item) => show(item)).join(" ") + "]";
  if (value.kind != JsonKind.Object) return value.describe();
  let text = "{";
  for (let i = 0; i < value.names.length; i++) text += value.names[i] + "=" + show(value.items[i]) + " ";
  return text.trimEnd() + "}";
}

export function number(text: string): f64 {
  const value = new JsonReader(text).read();
  return value == null ? NaN : value.number;
}

/** Nanoseconds and the shortest form, else what is wrong. */
export function duration(text: string): string {
  const ns = parseDuration(text);
  return durationFault.length ? durationFault : ns.toString() + " " + formatDuration(ns);
}

/** A configuration with a field of each type: its values, or all problems, in lines. */
export function config(json: string): string {
  const bytes = Uint8Array.wrap(String.UTF8.encode(json));
  const config = parseConfig(bytes);
  const values = read(config);
  const problems = config.finish();
  return problems.length ? problems.join("\n") : values;
}

function read(config: Config): string {
  const header = config.string("header").orNone();
  const values = [
    config.duration("window").between("1s", "10m").or("10s").toString(),
    config.integer("percent").between(0, 1000).or(20).toString(),
    (<i64>(config.number("ratio").between(0, 1.5).or(0.5) * 1000)).toString(),
    config.bool("on").or(true).toString(),
    config.oneOf("per", ["destination", "route"]).or("destination"),
    header == null ? "none" : '"' + header + '"',
    config.strings("names").or(["a"]).join(","),
    config.object("inner").string("name").or("unnamed"),
  ];
  const parts = config.objects("parts");
  for (let i = 0; i < parts.length; i++) values.push(parts[i].integer("n").required().toString());
  if (config.has("taken")) {
    config.string("taken").required();
    config.reject("taken", "it is taken");
  }
  return values.join(" ");
}

/** The property's path as the host gets it. */
export function path(path: string): Uint8Array {
  return copy(new Argument().path(path));
}

export function encode(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3);
  return bytes.slice(0, <i32>encodeUtf8(text, text.length, bytes.dataStart));
}

export function decode(bytes: Uint8Array): string {
  return decodeUtf8(bytes.dataStart, bytes.byteLength);
}

/** `name=value` of each pair in a block, in lines. */
export function pairs(block: Uint8Array): string {
  return decodePairs(block.dataStart, block.byteLength)
    .map<string>((pair) => pair.name + "=" + pair.value)
    .join("\n");
}

/** The block of the pairs, given as `name=value` in lines. */
export function pairBlock(lines: string): Uint8Array {
  const list = lines.length ? lines.split("\n").map<string[]>((line) => line.split("=")) : new Array<string[]>();
  return copy(encodePairs(list, new Argument()));
}

/** A metric's name with one label. */
export function metricName(value: string): string {
  return labelled("calls", ["to"], [value]);
}

function copy(argument: Argument): Uint8Array {
  const bytes = new Uint8Array(<i32>argument.size);
  memory.copy(bytes.dataStart, argument.ptr, argument.size);
  return bytes;
}
