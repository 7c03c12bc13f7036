// Docstrings of AssemblyScript, whose parser leaves comments out.

/** The text of the docstring that ends before a declaration, without its stars; empty if there is none. @param start of its name or decorators */
export function docstringBefore(text: string, start: number): string {
  const before = text.slice(0, start).replace(modifiers, "");
  const [, comment = ""] = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*$/.exec(before) ?? [];
  return comment.replace(/^\s*\* ?/gm, "").trim();
}

const modifiers =
  /((export|declare|abstract|class|enum|type|function|const|let|public|private|protected|readonly|static|get|set)\s+)*$/;
