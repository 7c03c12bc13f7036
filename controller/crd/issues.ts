import type * as z from "zod";
import { nearest } from "../model/nearest.ts";

// What zod found wrong, in the sentences of the project: each goes on after the path of the field,
// `spec.http[0].timeout` + `is "10": a unit is missing; write "10s" or "10m"`.

type Issue = z.core.$ZodRawIssue;

/** A value as a user would recognise it, at most 60 characters. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "a mapping";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** The error map of all schemas; a schema's own `error` comes before it. */
export function issueText(issue: Issue): string | undefined {
  const value = issue.input;
  if (value === undefined && (issue.code === "invalid_type" || issue.code === "invalid_value")) return "is missing";
  switch (issue.code) {
    case "invalid_type":
      return `is ${show(value)}: must be ${typeName(issue.expected)}${quoteHint(issue.expected, value)}`;
    case "invalid_value":
      return `is ${show(value)}: must be ${oneOf(issue.values)}`;
    case "too_small":
    case "too_big":
      return sizeText(issue);
    case "invalid_key":
      return "has a key that is not valid";
    default:
      return undefined;
  }
}

/** The message for one field that the schema does not know. */
export function unknownFieldText(field: string, known: readonly string[]): string {
  const likely = nearest(field, known);
  return `is an unknown field "${field}"; ${likely ? `did you mean "${likely}"?` : `known here: ${known.toSorted().join(", ")}`}`;
}

/** `A, B or C` */
export function oneOf(words: readonly unknown[]): string {
  const texts = words.map(String);
  return texts.length > 1 ? `${texts.slice(0, -1).join(", ")} or ${texts.at(-1)}` : texts.join();
}

function sizeText(issue: Issue & { code: "too_small" | "too_big" }): string {
  const value = issue.input;
  const small = issue.code === "too_small";
  const limit = Number(small ? issue.minimum : issue.maximum);
  if (Array.isArray(value))
    return small && value.length === 0 ? "is empty" : `has ${value.length} entries: ${bound(small, limit)}`;
  if (typeof value === "string" && small && value === "") return 'is "": must not be empty';
  if (typeof value === "string") return `has ${value.length} characters: ${bound(small, limit)}`;
  return `is ${show(value)}: ${bound(small, limit)}`;
}

function bound(small: boolean, limit: number): string {
  return small ? `must be ${limit} or more` : `must be ${limit} or less`;
}

function typeName(expected: string): string {
  const names: Readonly<Record<string, string>> = {
    string: "text",
    number: "a number",
    int: "a whole number",
    boolean: "true or false",
    object: "a mapping",
    record: "a mapping",
    array: "a list",
  };
  return names[expected] ?? expected;
}

/** YAML reads `yes`, `8080` and `null` as other things than text, which surprises. */
function quoteHint(expected: string, value: unknown): string {
  const scalar = typeof value === "number" || typeof value === "boolean";
  return expected === "string" && scalar ? "; write it in quotes" : "";
}
