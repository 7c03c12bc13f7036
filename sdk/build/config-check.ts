// What a class with `@config` may not say; each problem at its place.
import { type ConfigClass, enumMembers, type Report } from "./config-class.ts";
import { type Literal, magnitude, type Setting, type SettingType, settingTypes } from "./config-types.ts";

/** Reports what is wrong with a class's settings. @param classes all of them */
export function checkConfigClass(config: ConfigClass, classes: readonly ConfigClass[], report: Report): void {
  const names = classes.map(({ name }) => name);
  for (const { setting, declaration } of config.fields) {
    const say = (message: string) => report(declaration.range, `${config.name}.${setting.name}: ${message}`);
    const kind = settingTypes[setting.type];
    const isNested = names.includes(setting.type.replace(/\[\]$/, ""));
    if (setting.words && setting.type !== "string") checkEnum(setting, setting.words, config, say);
    else if (kind) checkValue(setting, kind, say);
    else if (!isNested) say(unsupported(setting.type));
    else if (containsItself(config.name, setting.type, classes)) say(`${setting.type} contains itself`);
    if (isNested && setting.initial !== undefined && setting.initial !== null) say("a class has no default but null");
    if (setting.nullable && (setting.initial !== null || !(isNested || setting.type === "string"))) {
      say("only a string or a @config class can be null, and then null is the default: write = null");
    }
  }
}

function unsupported(type: string): string {
  const known = Object.keys(settingTypes).join(", ");
  return `the type ${type} is no setting's; there are ${known}, enums with @oneOf, @config classes and lists of them`;
}

function checkEnum(
  { type }: Setting,
  words: readonly string[],
  { source }: ConfigClass,
  say: (message: string) => void,
): void {
  const members = enumMembers(source, type);
  if (!members) say(`@oneOf is for a string, or an enum that is declared in the same file and counts from 0`);
  else if (members.length !== words.length) {
    say(
      `@oneOf has ${words.length} words, and ${type} has ${members.length} members: one each is needed, in their order`,
    );
  }
}

function checkValue(setting: Setting, kind: SettingType, say: (message: string) => void): void {
  const problem = rangeProblem(setting, kind) ?? defaultProblem(setting, kind);
  if (problem !== undefined) say(problem);
}

function rangeProblem({ type, range }: Setting, kind: SettingType): string | undefined {
  if (!range) return undefined;
  if (!kind.bounded) return `${type} has no @range`;
  const [min, max] = range;
  const isRange = magnitude(kind, min) <= magnitude(kind, max);
  return isRange ? undefined : `@range(${text(min)}, ${text(max)}) is no range of ${type}`;
}

function defaultProblem({ type, nullable, initial, range, words }: Setting, kind: SettingType): string | undefined {
  if (initial === undefined || initial === kind.none || (initial === null && nullable)) return undefined;
  const said = `the default ${text(initial)} is`;
  const isOfType = kind.literal === "list" ? Array.isArray(initial) : typeof initial === kind.literal;
  if (!isOfType) return `${said} no ${type}`;
  if (words && !words.includes(String(initial))) return `${said} none of ${words.join(", ")}`;
  if (!kind.bounded) return undefined;
  const value = magnitude(kind, initial);
  if (Number.isNaN(value) || (kind.reader === "integer" && !Number.isInteger(value))) return `${said} no ${type}`;
  const [from, to] = range ?? kind.bounds ?? [];
  if (from === undefined || to === undefined) return undefined;
  const isWithin = value >= magnitude(kind, from) && value <= magnitude(kind, to);
  return isWithin ? undefined : `${said} not from ${text(from)} to ${text(to)}`;
}

function text(literal: Literal | undefined): string {
  return JSON.stringify(literal) ?? "none";
}

function containsItself(
  name: string,
  type: string,
  classes: readonly ConfigClass[],
  seen: readonly string[] = [],
): boolean {
  const nested = type.replace(/\[\]$/, "");
  if (nested === name) return true;
  if (seen.includes(nested)) return false;
  const inner = classes.find((one) => one.name === nested)?.fields ?? [];
  return inner.some(({ setting }) => containsItself(name, setting.type, classes, [...seen, nested]));
}
