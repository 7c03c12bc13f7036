// Docstrings of what tests import, @sluice/sdk/host and @sluice/sdk/vitest -> the second half of sdk/API.md.
import { parse } from "@babel/parser";
import { docstringBefore } from "./docstring.ts";
import { isInternal, item, oneLine, type Reference, section } from "./reference-text.ts";

type Program = ReturnType<typeof parse>["program"];
type Statement = Program["body"][number];

interface Declared {
  readonly name: string;
  readonly text: string;
  readonly node: Statement;
}

const head = `# What a test imports

Of \`@sluice/sdk/host\`; nobody makes these classes but the host, \`Host.load\` is where to begin.
`;

const matchersHead = `# What a test's \`expect\` has

With \`import "@sluice/sdk/vitest"\`; what follows are the types of its arguments. \`@sluice/sdk/vitest/coverage\` is a setup file: what
filters count goes into the coverage of \`vitest --coverage\`.
`;

/** Types of matchers' arguments, by their file in sdk/vitest. */
const argumentTypes = {
  "local-reply": ["LocalReplyWanted"],
  metric: ["MetricLabels", "MetricValue"],
  budget: ["Budget"],
};

/** @param read the text of a file of the SDK, such as `host/index.ts` */
export function hostReference(read: (path: string) => string): Reference {
  const host = exportsOf("host", read).filter((one) => !isInternal(docOf(one)));
  const vitest = Object.entries(argumentTypes).flatMap(([file, names]) =>
    names.map((name) => declared(`vitest/${file}.ts`, name, read)),
  );
  const text = [head, ...host.map(entry), matchersHead, matchers(read("vitest/index.ts")), ...vitest.map(entry)];
  const undocumented = [...host, ...vitest].filter((one) => docOf(one) === "");
  return { text: text.join("\n"), undocumented: undocumented.map(({ name }) => name) };
}

/** What the folder's `index.ts` exports of its other files. */
function exportsOf(folder: string, read: (path: string) => string): Declared[] {
  return statementsOf(read(`${folder}/index.ts`)).flatMap((one) => {
    if (one.type === "ExportAllDeclaration") return declaredIn(`${folder}/${one.source.value}`, read);
    if (one.type !== "ExportNamedDeclaration" || !one.source) return [];
    const file = `${folder}/${one.source.value}`;
    return one.specifiers.map(({ exported }) =>
      declared(file, "name" in exported ? exported.name : exported.value, read),
    );
  });
}

function declared(file: string, name: string, read: (path: string) => string): Declared {
  const found = declaredIn(file, read).find((one) => one.name === name);
  if (found === undefined) throw new Error(`sdk/${file} exports no ${name}`);
  return found;
}

function declaredIn(file: string, read: (path: string) => string): Declared[] {
  const text = read(file.replace("/./", "/"));
  return statementsOf(text).flatMap((one): Declared[] => {
    const node = one.type === "ExportNamedDeclaration" ? one.declaration : undefined;
    if (!node) return [];
    if (node.type === "VariableDeclaration")
      return node.declarations.flatMap(({ id }) => (id.type === "Identifier" ? [{ name: id.name, text, node }] : []));
    return "id" in node && node.id?.type === "Identifier" ? [{ name: node.id.name, text, node }] : [];
  });
}

function statementsOf(text: string): Statement[] {
  return parse(text, { sourceType: "module", plugins: ["typescript"] }).program.body;
}

function docOf({ text, node }: Declared): string {
  return docstringBefore(text, node.start ?? 0);
}

function entry({ name, text, node }: Declared): string {
  const doc = docOf({ name, text, node });
  const code = (from: number, to: number | null | undefined) => text.slice(from, to ?? undefined);
  const start = node.start ?? 0;
  if (node.type === "ClassDeclaration" || node.type === "TSInterfaceDeclaration")
    return section(name, {
      title: oneLine(code(start, node.body.start)),
      doc,
      members: membersOf(text, node.body.body),
    });
  const end = node.type === "FunctionDeclaration" ? node.body.start : node.end;
  return section(name, { title: code(start, end).trim().replace(/;$/, ""), doc });
}

type Member = (Statement & { type: "ClassDeclaration" })["body"]["body"][number];
type Signature = (Statement & { type: "TSInterfaceDeclaration" })["body"]["body"][number];

/** Those that are public, without constructors; of overloads not the implementation. */
function membersOf(text: string, members: readonly (Member | Signature)[]): string[] {
  return members.flatMap((one, i) => {
    const isOverloaded = one.type === "ClassMethod" && members[i - 1]?.type === "TSDeclareMethod";
    const isPublic = !("accessibility" in one) || (one.accessibility ?? "public") === "public";
    const isOverride = "override" in one && one.override === true;
    if (/Private|StaticBlock/.test(one.type) || !isPublic || isOverride || isOverloaded) return [];
    if (one.type === "ClassMethod" && one.kind === "constructor") return [];
    const doc = docstringBefore(text, one.start ?? 0);
    const end = one.type === "ClassMethod" ? one.body.start : one.type === "ClassProperty" ? valueStart(one) : one.end;
    return isInternal(doc)
      ? []
      : [item(oneLine(text.slice(one.start ?? 0, end ?? undefined)).replace(/^(static )?async /, "$1"), doc)];
  });
}

/** Where a property's `= value` begins, or its end. */
function valueStart({ typeAnnotation, key, end }: Member & { type: "ClassProperty" }): number | null | undefined {
  return typeAnnotation?.end ?? key.end ?? end;
}

/** The members that `declare module "vitest"` adds to `Matchers`. */
function matchers(text: string): string {
  const [body] = statementsOf(text).flatMap((one) =>
    one.type === "TSModuleDeclaration" && one.body.type === "TSModuleBlock" ? [one.body.body] : [],
  );
  const [added] = (body ?? []).flatMap((one) => (one.type === "TSInterfaceDeclaration" ? [one.body.body] : []));
  if (added === undefined) throw new Error("sdk/vitest/index.ts adds nothing to Matchers");
  return `${membersOf(text, added).join("\n")}\n`;
}
