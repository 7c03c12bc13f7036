// A filter declares its settings as a class with `@config`. Each class gets the constructor that reads them from the SDK's
// `Config`, so that a wrong value is refused in the same words as by hand, and the JSON Schema says the same: one truth.
import { type ClassDeclaration, DiagnosticCode, Node, type Parser, type Source } from "assemblyscript";
import { checkConfigClass } from "./config-check.ts";
import { type ConfigClass, configClasses, type Report } from "./config-class.ts";
import { configSchema, isRequired } from "./config-schema.ts";
import { type Setting, settingTypes } from "./config-types.ts";
import { parseMade } from "./place.ts";

/** By which name a file with a `@config` class knows the SDK's `Config`, whatever it imports itself. */
const READER = "SluiceConfig";

/**
 * Gives each class with `@config` its constructor. Problems are errors of the compilation.
 *
 * @returns the JSON Schema of the class that is no other one's setting; undefined where there is none
 */
export function typeConfig(parser: Parser): Readonly<Record<string, unknown>> | undefined {
  let isFaulty = false;
  const report: Report = (range, message) => {
    isFaulty = true;
    parser.error(DiagnosticCode.User_defined_0, range, message);
  };
  const classes = configClasses(parser.sources, report);
  for (const one of classes) checkConfigClass(one, classes, report);
  const [root, second] = classes.filter(({ name }) => !isSettingOf(name, classes));
  if (second) {
    report(
      second.declaration.name.range,
      `${root?.name} and ${second.name} are both @config, and neither is in the other`,
    );
  }
  if (!root || isFaulty) return undefined;
  for (const source of new Set(classes.map((one) => one.source))) importReader(source);
  for (const one of classes) addConstructor(parser, one);
  const plain = classes.map(({ fields, ...one }) => ({ ...one, settings: fields.map(({ setting }) => setting) }));
  return configSchema({ ...root, settings: root.fields.map(({ setting }) => setting) }, plain);
}

function isSettingOf(name: string, classes: readonly ConfigClass[]): boolean {
  return classes.some(({ fields }) => fields.some(({ setting }) => setting.type.replace(/\[\]$/, "") === name));
}

function importReader(source: Source): void {
  const range = source.range;
  const name = (text: string) => Node.createIdentifierExpression(text, range);
  const declaration = Node.createImportDeclaration(name("Config"), name(READER), range);
  const path = Node.createStringLiteralExpression("@sluice/sdk/assembly/config", range);
  source.statements.unshift(Node.createImportStatement([declaration], path, range));
}

function addConstructor(parser: Parser, { declaration, fields, source }: ConfigClass): void {
  for (const field of fields) field.declaration.initializer = null;
  const reads = fields.map(({ setting }) => `this.${setting.name} = ${reading(setting)};`);
  const check = declaration.members.some(({ name }) => name.text === "check") ? "this.check(config);" : "";
  const text = `constructor(config: ${READER}) { ${reads.join("\n")} ${check} }`;
  const made = { text, source, range: declaration.name.range };
  const member = parseMade(parser, made, (tokens) => parser.parseClassMember(tokens, declaration));
  declaration.members.push(member as ClassDeclaration["members"][number]);
}

/** The expression that reads a setting from `config`. */
function reading(setting: Setting): string {
  const { name, type, nullable, initial, range, words } = setting;
  const named = JSON.stringify(name);
  const kind = settingTypes[type];
  if (words) {
    const field = `config.oneOf(${named}, ${JSON.stringify(words)})`;
    if (type === "string") return `${field}.${isRequired(setting) ? "required()" : `or(${JSON.stringify(initial)})`}`;
    return `<${type}>${field}.${isRequired(setting) ? "requiredIndex()" : `indexOr(${initial})`}`;
  }
  if (!kind) {
    if (type.endsWith("[]")) return `config.list<${type.slice(0, -2)}>(${named})`;
    const object = `new ${type}(config.object(${named}))`;
    return nullable ? `config.has(${named}) ? ${object} : null` : object;
  }
  if (kind.reader === "map") return `config.map(${named})`;
  const bounds = range ?? kind.bounds;
  const between = bounds ? `.between(${bounds.map((bound) => JSON.stringify(bound)).join(", ")})` : "";
  const cast = kind.bounded ? `<${kind.reader === "duration" ? "i64" : type}>` : "";
  return `${cast}config.${kind.reader}(${named})${between}.${orDefault(setting)}`;
}

function orDefault(setting: Setting): string {
  if (isRequired(setting)) return "required()";
  if (setting.initial === null || (setting.type === "Duration" && setting.initial === 0)) return "orNone()";
  return `or(${JSON.stringify(setting.initial ?? [])})`;
}
