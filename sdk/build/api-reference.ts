// Docstrings of what a filter imports -> the first half of sdk/API.md, in the order of sdk/assembly/index.ts.
import {
  ClassDeclaration,
  type DeclarationStatement,
  type DecoratorNode,
  EnumDeclaration,
  ExportStatement,
  FieldDeclaration,
  FunctionDeclaration,
  ImportStatement,
  MethodDeclaration,
  Parser,
  type Source,
  TypeDeclaration,
  VariableStatement,
} from "assemblyscript";
import { docstringBefore } from "./docstring.ts";
import { isInternal, item, oneLine, type Reference, section } from "./reference-text.ts";

interface Entry {
  readonly name: string;
  readonly source: Source;
  readonly declaration: DeclarationStatement;
}

const head = `# What a filter imports

Made by \`npm run api\` of the docstrings in \`assembly/\`: \`import { ... } from "@sluice/sdk/assembly"\`. Where to begin is in the
[README](README.md).
`;

/** Files whose classes a filter meets by the members of those that it imports. */
const behindExports = ["context", "config-fields", "attributes"];

/** @param read the text of a file of sdk/assembly by its name, such as \`index\` */
export function apiReference(read: (file: string) => string): Reference {
  const behind = behindExports.flatMap((file) => allOf(parse(read, file), ""));
  const entries = [...exportsOf(read), ...behind.filter(({ declaration }) => declaration instanceof ClassDeclaration)];
  return {
    text: [head, ...entries.map(entrySection)].join("\n"),
    undocumented: entries.filter((entry) => docOf(entry.source, entry.declaration) === "").map(({ name }) => name),
  };
}

function parse(read: (file: string) => string, file: string): Source {
  const parser = new Parser();
  parser.parseFile(read(file), `${file}.ts`, true);
  const [source] = parser.sources;
  if (!source) throw new Error(`${file}.ts: it does not parse`);
  return source;
}

/** What \`index\` exports of other files: by name, or all of one under a name of its own. */
function exportsOf(read: (file: string) => string): Entry[] {
  const { statements } = parse(read, "index");
  const namespaces = statements.flatMap((one) => (one instanceof ImportStatement && one.namespaceName ? [one] : []));
  return statements.flatMap((one) => {
    if (!(one instanceof ExportStatement)) return [];
    const names = (one.members ?? []).map(({ localName }) => localName.text);
    if (one.path) {
      const all = allOf(parse(read, one.path.value.slice(2)), "");
      return names.map((name) =>
        found(
          all.find((entry) => entry.name === name),
          name,
        ),
      );
    }
    return namespaces
      .filter(({ namespaceName }) => names.includes(namespaceName?.text ?? ""))
      .flatMap(({ namespaceName, path }) => allOf(parse(read, path.value.slice(2)), `${namespaceName?.text}.`))
      .filter(({ declaration }) => declaration instanceof FunctionDeclaration);
  });
}

function found(entry: Entry | undefined, name: string): Entry {
  if (!entry) throw new Error(`index.ts exports ${name}, which is not there`);
  return entry;
}

/** All that a file exports and that is not internal. */
function allOf(source: Source, prefix: string): Entry[] {
  return source.statements
    .flatMap((one) => (one instanceof VariableStatement ? one.declarations : [one as DeclarationStatement]))
    .filter(
      (one) =>
        one.name !== undefined && /\bexport\s+(abstract\s+)?\w+\s+$/.test(source.text.slice(0, startOf(one, false))),
    )
    .filter((declaration) => !isInternal(docOf(source, declaration)))
    .map((declaration) => ({ name: prefix + declaration.name.text, source, declaration }));
}

function entrySection({ name, source, declaration }: Entry): string {
  const members: string[] = [];
  if (declaration instanceof ClassDeclaration)
    members.push(...declaration.members.flatMap((one) => member(source, declaration, one)));
  if (declaration instanceof EnumDeclaration)
    members.push(...declaration.values.map((value) => item(value.name.text, docOf(source, value))));
  return section(name, { title: titleOf(source, declaration, name), doc: docOf(source, declaration), members });
}

function member(source: Source, { decorators }: ClassDeclaration, declaration: DeclarationStatement): string[] {
  const doc = docOf(source, declaration);
  const signature = signatureOf(source, declaration);
  const isPrivate = /^(private|protected)\b/.test(signature) || isInternal(doc);
  const isHandle = decorators?.some(({ name }) => name.range.toString() === "unmanaged") ?? false;
  const isMadeByOthers = signature.startsWith("constructor") && (isHandle || signature.includes("private"));
  return isPrivate || isMadeByOthers ? [] : [item(signature, doc)];
}

/** A declaration without its body. */
function titleOf(source: Source, declaration: DeclarationStatement, name: string): string {
  if (declaration instanceof ClassDeclaration) {
    const base = declaration.extendsType ? ` extends ${declaration.extendsType.range}` : "";
    return `class ${name}${base}`;
  }
  if (declaration instanceof EnumDeclaration) return `enum ${name}`;
  if (declaration instanceof FunctionDeclaration) return `function ${signatureOf(source, declaration)}`;
  if (declaration instanceof TypeDeclaration) return `type ${name} = ${declaration.type.range}`;
  return `const ${signatureOf(source, declaration)}`;
}

function signatureOf({ text }: Source, declaration: DeclarationStatement): string {
  const { start, end } = declaration.range;
  const isFunction = declaration instanceof FunctionDeclaration || declaration instanceof MethodDeclaration;
  const whole = text.slice(start, isFunction && declaration.body ? declaration.body.range.start : end);
  const modifier = declaration instanceof FieldDeclaration ? leadOf(text, start) : "";
  return oneLine(`${modifier}${whole}`.replace(/^(export\s+)?(function\s+)?/, ""));
}

/** Modifiers that stand before what the parser takes for a field's start. */
function leadOf(text: string, start: number): string {
  return /((private|protected|readonly|static)\s+)*$/.exec(text.slice(0, start))?.[0] ?? "";
}

function docOf({ text }: Source, declaration: DeclarationStatement): string {
  return docstringBefore(text, startOf(declaration, true));
}

function startOf({ name, decorators }: DeclarationStatement, withDecorators: boolean): number {
  const marks: readonly DecoratorNode[] = withDecorators ? (decorators ?? []) : [];
  return Math.min(name.range.start, ...marks.map(({ range }) => range.start));
}
