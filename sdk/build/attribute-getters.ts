// The table of Envoy's attributes -> sdk/assembly/attributes.ts: a class for each group of them, a getter for each.
import { type Attribute, type AttributeType, attributes } from "../abi/attributes.ts";

/** Type -> the getter's, the method of `Properties` that reads it, and what it says where there is none. */
const types: Readonly<Record<AttributeType, readonly [type: string, method: string, none: string]>> = {
  string: ["string | null", "string", "null"],
  bytes: ["Uint8Array | null", "bytes", "null"],
  int: ["i64", "i64", "0"],
  uint: ["u64", "u64", "0"],
  timestamp: ["i64", "i64", "0"],
  duration: ["i64", "i64", "0"],
  bool: ["bool", "bool", "false"],
};

const units: Partial<Record<AttributeType, string>> = {
  timestamp: " Nanoseconds since 1970.",
  duration: " Nanoseconds.",
};

const callbacks: readonly (readonly [letter: string, name: string])[] = [
  ["C", "`onConfigure`"],
  ["R", "`onRequestHeaders`"],
  ["r", "`onRequestHeaders` of the upstream half"],
  ["a", "`onResponseHeaders` of the upstream half"],
  ["A", "`onResponseHeaders`"],
  ["L", "`onLog`"],
];

/** The generated file. */
export function attributeGetters(): string {
  const groups = Map.groupBy(attributes, ({ path }) => partsOf(path)[0]);
  return `// Made by \`npm run api\` of sdk/abi/attributes.ts: change that.
import { Properties } from "./properties";
${[...groups].map(([group, members]) => classOf(group, members)).join("")}`;
}

function classOf(group: string, members: readonly Attribute[]): string {
  const name = `${capital(group)}Attributes`;
  return `
/** Envoy's attributes of the group \`${group}\`; each is one call of the host. */
@final
@unmanaged
export class ${name} {
  /** There is nothing to allocate: the host knows whose they are. */
  constructor() {
    return changetype<${name}>(1);
  }
${members.map(getter).join("")}}
`;
}

function getter({ path, type, phases, help, tls }: Attribute): string {
  const [returned, method, none] = types[type];
  const name = partsOf(path)[1].replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  const lines = [
    `\`${path}\`. ${help}${units[type] ?? ""}`,
    `${whereOf(phases)}${tls ? ", with TLS" : ""}, else ${none}.`,
  ];
  return `
  /**
${lines.map((line) => `   * ${line}\n`).join("")}   */
  get ${name}(): ${returned} {
    return new Properties().${method}("${path}");
  }
`;
}

function whereOf(phases: string): string {
  if (phases === "") return "Where Envoy says so";
  const names = callbacks.flatMap(([letter, name]) => (phases.includes(letter) ? [name] : []));
  if (names.length === callbacks.length) return "Everywhere there is a plugin";
  return names.length === callbacks.length - 1 ? "In every callback of a stream" : `In ${names.join(", ")}`;
}

/** `plugin_root_id` -> `plugin`, `root_id`; `request.url_path` -> `request`, `url_path` */
function partsOf(path: string): readonly [group: string, name: string] {
  const [group = "", name = ""] = path.startsWith("plugin_") ? ["plugin", path.slice(7)] : path.split(".");
  return [group, name];
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
