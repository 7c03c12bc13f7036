// What both halves of sdk/API.md are written with: names, signatures and docstrings as Markdown.

/** A part of the reference, and the exports in it that have no docstring. */
export interface Reference {
  readonly text: string;
  readonly undocumented: readonly string[];
}

/** Not for those who import it. */
export const isInternal = (doc: string): boolean => doc.includes("@internal");

/** A heading, the declaration as code, its docstring, and its members by {@link item}. */
export function section(
  name: string,
  { title, doc, members = [] }: { readonly title: string; readonly doc: string; readonly members?: readonly string[] },
): string {
  const parts = [`## ${name}\n`, `\`\`\`ts\n${title}\n\`\`\`\n`, `${paragraphs(doc).join("\n\n")}\n`, ...members];
  return `${parts.join("\n").trimEnd()}\n`;
}

/** A member of a class, an interface or an enum. */
export function item(signature: string, doc: string): string {
  const [first = "", ...rest] = paragraphs(doc);
  return [
    `- \`${signature}\`${first && `  \n  ${first}`}`,
    ...rest.map((text) => `\n  ${text.replaceAll("\n", "\n  ")}`),
  ].join("\n");
}

/** A declaration on one line. */
export function oneLine(declaration: string): string {
  return declaration
    .replace(/\s+/g, " ")
    .replace(/\( /g, "(")
    .replace(/,? \)/g, ")")
    .replace(/;?\s*$/, "");
}

/** Lines joined; each tag a paragraph of its own. */
function paragraphs(doc: string): string[] {
  return doc
    .split(/\n\s*\n|\n(?=@|- )|(?<=\S)\s+(?=@(?:param|returns|throws|see)\b)/)
    .map((text) => text.replace(/\s*\n\s*/g, " ").trim())
    .map((text) =>
      text
        .replace(/^@param (\S+)\s+/, "`$1`: ")
        .replace(/^@returns\s+(.*?)\.?$/, "Returns $1.")
        .replace(/^@throws\s+\{(\w+)\}\s+(.*?)\.?$/, "Throws `$1` $2.")
        .replace(/^@see\s+/, "See "),
    )
    .filter((text) => text !== "");
}
