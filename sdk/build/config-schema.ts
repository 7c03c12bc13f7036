// Classes with `@config` -> the JSON Schema of a configuration. Pure.
import { type Setting, settingTypes } from "./config-types.ts";

/** What a schema is made of. */
export interface Settings {
  readonly name: string;
  readonly settings: readonly Setting[];
  readonly description: string;
}

type Schema = Readonly<Record<string, unknown>>;

/** Draft 2020-12. @param classes all of them; what they name is among them, and none contains itself */
export function configSchema(root: Settings, classes: readonly Settings[]): Schema {
  return { $schema: "https://json-schema.org/draft/2020-12/schema", ...objectSchema(root, classes) };
}

function objectSchema({ settings, description }: Settings, classes: readonly Settings[]): Schema {
  const required = settings.filter((setting) => isRequired(setting)).map(({ name }) => name);
  return {
    ...(description && { description }),
    type: "object",
    additionalProperties: false,
    properties: Object.fromEntries(settings.map((setting) => [setting.name, settingSchema(setting, classes)])),
    ...(required.length > 0 && { required }),
  };
}

/** Whether there is no default, and nothing that being empty could mean. */
export function isRequired({ type, initial, words }: Setting): boolean {
  return initial === undefined && (words !== undefined || (settingTypes[type]?.literal ?? "list") !== "list");
}

function settingSchema(setting: Setting, classes: readonly Settings[]): Schema {
  const { type, words, description: said } = setting;
  const description = describe(setting, said);
  const nested = classes.find(({ name }) => name === type || `${name}[]` === type);
  if (nested) {
    const object = objectSchema(nested, classes);
    return {
      ...(type.endsWith("[]") ? { type: "array", items: object } : object),
      ...(description && { description }),
    };
  }
  return {
    ...(words ? { enum: words } : settingTypes[type]?.schema),
    ...bounds(setting),
    ...defaultOf(setting),
    ...(description && { description }),
  };
}

function bounds({ type, range }: Setting): Schema {
  const { literal, bounds: own } = settingTypes[type] ?? {};
  const [minimum, maximum] = range ?? own ?? [];
  return literal === "number" && minimum !== undefined ? { minimum, maximum } : {};
}

function defaultOf({ type, initial, words }: Setting): Schema {
  if (initial === undefined || initial === null || initial === settingTypes[type]?.none) return {};
  return { default: words && typeof initial === "number" ? words[initial] : initial };
}

/** A schema has no bounds for durations: the sentence has them. */
function describe({ type, range }: Setting, said: string): string {
  return type === "Duration" && range ? `${said} (from ${range[0]} to ${range[1]})`.trim() : said;
}
