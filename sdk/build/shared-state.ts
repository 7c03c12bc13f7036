// What is outside of objects is shared by all plugins of a VM: two WasmPlugins of one filter would count in each other's counters.
import { ClassDeclaration, DiagnosticCode, FieldDeclaration, type Parser, VariableStatement } from "assemblyscript";

/** Of `CommonFlags`, which the compiler declares only. */
const flag = { const: 8, static: 32, readonly: 64 } as const;

/** Reports what the filter's own modules have of it, unless it can't change. */
export function refuseSharedState(parser: Parser): void {
  for (const source of parser.sources) {
    if (source.internalPath.startsWith("~lib/")) continue;
    for (const statement of source.statements) {
      if (statement instanceof VariableStatement) {
        for (const variable of statement.declarations) refuse(parser, variable, "a variable of a module", flag.const);
      }
      if (statement instanceof ClassDeclaration) {
        for (const member of statement.members) {
          if (member instanceof FieldDeclaration && member.flags & flag.static)
            refuse(parser, member, "a static field", flag.readonly);
        }
      }
    }
  }
}

function refuse(
  parser: Parser,
  { name, flags }: Pick<FieldDeclaration, "name" | "flags">,
  what: string,
  fixed: number,
): void {
  if (flags & fixed) return;
  const cure = "make it a field of the plugin, or one that does not change";
  parser.error(DiagnosticCode.User_defined_0, name.range, `${name.text}: all plugins of a VM share ${what}; ${cure}`);
}
