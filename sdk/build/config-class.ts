// Reads the classes with `@config` from the compiler's syntax tree. What is wrong with one is an error at its place.
import {
  ArrayLiteralExpression,
  ClassDeclaration,
  type DecoratorNode,
  EnumDeclaration,
  type Expression,
  FieldDeclaration,
  IdentifierExpression,
  type Range,
  type Source,
  StringLiteralExpression,
} from "assemblyscript";
import type { Literal, Setting } from "./config-types.ts";
import { docstringBefore } from "./docstring.ts";

/** A class with `@config`. */
export interface ConfigClass {
  readonly name: string;
  readonly source: Source;
  readonly declaration: ClassDeclaration;
  readonly fields: readonly { readonly setting: Setting; readonly declaration: FieldDeclaration }[];
  /** Of the docstring; empty: none. */
  readonly description: string;
}

/** Reports what is wrong, with file, line, column and frame. */
export type Report = (range: Range, message: string) => void;

/** All classes with `@config` in the filter's own sources. */
export function configClasses(sources: readonly Source[], report: Report): ConfigClass[] {
  return sources
    .filter(({ internalPath }) => !internalPath.startsWith("~lib/"))
    .flatMap((source) =>
      source.statements
        .filter((statement) => statement instanceof ClassDeclaration)
        .filter(({ decorators }) => decorators?.some((decorator) => nameOf(decorator) === "config"))
        .map((declaration) => read(source, declaration, report)),
    );
}

function read(source: Source, declaration: ClassDeclaration, report: Report): ConfigClass {
  const { name, members, extendsType, decorators } = declaration;
  if (extendsType)
    report(extendsType.range, "a @config class extends nothing; put what is shared into a field's class");
  const fields = members
    .filter((member) => member instanceof FieldDeclaration)
    .filter((field) => !/\bstatic\b/.test(field.range.toString().split(field.name.text)[0] ?? ""));
  return {
    name: name.text,
    source,
    declaration,
    fields: fields.map((field) => ({ setting: settingOf(source, field, report), declaration: field })),
    description: docstring(source, startOf(name, decorators)),
  };
}

function settingOf(source: Source, field: FieldDeclaration, report: Report): Setting {
  const written = field.type?.range.toString().replace(/\s+/g, " ") ?? "";
  const type = written.replace(/ ?\| ?null$/, "").replace(/^Array<string>$/, "string[]");
  const found: { range?: readonly [Literal, Literal]; words?: readonly string[] } = {};
  for (const decorator of field.decorators ?? []) {
    const values = (decorator.args ?? []).map(literalOf);
    const [min, max, ...more] = values;
    if (nameOf(decorator) === "range" && min !== undefined && max !== undefined && !more.length) {
      found.range = [min, max];
    } else if (nameOf(decorator) === "oneOf" && values.length && values.every((value) => typeof value === "string")) {
      found.words = values;
    } else {
      report(
        decorator.range,
        'a setting has @range(min, max) and @oneOf("word", ...) of literals, and no other decorator',
      );
    }
  }
  return {
    name: field.name.text,
    type,
    nullable: type !== written && written.endsWith("null"),
    initial: field.initializer ? initialOf(source, type, field.initializer, report) : undefined,
    range: found.range,
    words: found.words,
    description: docstring(source, startOf(field.name, field.decorators)),
  };
}

/** A default: a literal, or a member of an enum of the same file, which gives its number. */
function initialOf(source: Source, type: string, initializer: Expression, report: Report): Literal | undefined {
  const literal = literalOf(initializer);
  if (literal !== undefined) return literal;
  const [of, member] = initializer.range.toString().split(".");
  const index = of === type ? (enumMembers(source, type)?.indexOf(member ?? "") ?? -1) : -1;
  if (index < 0)
    report(initializer.range, "a default is a literal, or a member of an enum that is declared in the same file");
  return index < 0 ? undefined : index;
}

/** The members of an enum that counts from 0; undefined where the file has none of the name. */
export function enumMembers(source: Source, name: string): string[] | undefined {
  const found = source.statements.find((one) => one instanceof EnumDeclaration && one.name.text === name);
  if (!(found instanceof EnumDeclaration) || found.values.some(({ initializer }) => initializer)) return undefined;
  return found.values.map((value) => value.name.text);
}

function literalOf(expression: Expression): Literal | undefined {
  if (expression instanceof StringLiteralExpression) return expression.value;
  if (expression instanceof ArrayLiteralExpression) {
    const values = expression.elementExpressions.map(literalOf);
    return values.every((value) => typeof value === "string") ? values : undefined;
  }
  const text = expression.range.toString();
  const words: Readonly<Record<string, Literal>> = { true: true, false: false, null: null };
  if (text in words) return words[text];
  const number = Number(text.replace(/(?<=\d)_(?=\d)/g, ""));
  return Number.isNaN(number) ? undefined : number;
}

function nameOf({ name }: DecoratorNode): string {
  return name instanceof IdentifierExpression ? name.text : "";
}

function startOf(name: IdentifierExpression, decorators: readonly DecoratorNode[] | null): number {
  return Math.min(name.range.start, ...(decorators ?? []).map(({ range }) => range.start));
}

/** The docstring before a declaration, as one line without its full stop. */
function docstring({ text }: Source, start: number): string {
  return docstringBefore(text, start).replace(/\s+/g, " ").replace(/\.$/, "");
}
