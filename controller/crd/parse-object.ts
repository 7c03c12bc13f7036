import type * as z from "zod";
import { codes } from "../model/codes.ts";
import { nearest } from "../model/nearest.ts";
import type { AnyObject, Kind, Ref } from "../model/object.ts";
import type { Path, Problem } from "../model/problem.ts";
import { fieldsOf, groupOf, identityOf, isMapping, type ParsedObject, type RawObject } from "../model/raw-object.ts";
import { issueText, oneOf, show, unknownFieldText } from "./issues.ts";
import { kinds, kindsNotYet } from "./kinds.ts";
import { fieldNotes, knownFields, withoutNulls } from "./walk.ts";

type Finding = Pick<Problem, "severity" | "code" | "message"> & { readonly path: Path };

/** What was made of each raw object: a source hands out the same one as long as it does not change. */
const parsed = new WeakMap<RawObject, ParsedObject>();

/**
 * Checks one object against the schema of its kind and reads it into the model. Never throws, whatever the value is.
 *
 * @returns the object, or all that is wrong with it; warnings and infos come with both. The same for the same raw object.
 */
export function parseObject(raw: RawObject): ParsedObject {
  const known = parsed.get(raw) ?? parse(raw);
  parsed.set(raw, known);
  return known;
}

function parse(raw: RawObject): ParsedObject {
  const { kind, findings } = kindOf(raw.value);
  if (kind === undefined) return { raw, problems: findings.map((finding) => problem(raw, undefined, finding)) };
  const identity = identityOf(raw.value);
  const ref = identity && { kind, namespace: identity.namespace, name: identity.name };
  const checked = findings.length > 0 ? { findings } : check(kind, raw.value);
  return {
    raw,
    ...(ref && { ref }),
    ...("object" in checked && checked.object && { object: checked.object }),
    problems: checked.findings.map((finding) => problem(raw, ref, finding)).toSorted(byRank),
  };
}

function problem(raw: RawObject, object: Ref | undefined, { path, ...rest }: Finding): Problem {
  return { ...rest, path, ...(object && { object }), ...(raw.origin && { place: raw.origin.locate(path) }) };
}

/** The kind that a value claims to be; none, with the reason, where it has no effect here. */
function kindOf(value: unknown): { readonly kind?: Kind; readonly findings: readonly Finding[] } {
  if (!isMapping(value))
    return schemaError([], `is ${show(value)}: an object is a mapping with apiVersion, kind and metadata`);
  const { apiVersion, kind } = fieldsOf(value);
  const missing = Object.entries({ apiVersion, kind }).filter(([, text]) => typeof text !== "string" || text === "");
  if (typeof apiVersion !== "string" || typeof kind !== "string" || missing.length > 0)
    return {
      findings: missing.map(([key, text]) => ({
        severity: "error",
        code: codes.schema,
        path: [key],
        message: text === undefined || text === null ? "is missing" : `is ${show(text)}: must be text`,
      })),
    };
  const known = Object.values(kinds).find((one) => one.kind === kind && one.group === groupOf(apiVersion));
  if (!known) return { findings: [unknownKind(apiVersion, kind)] };
  const version = apiVersion.slice(known.group === "" ? 0 : known.group.length + 1);
  const versions = known.versions.map((one) => (known.group === "" ? one : `${known.group}/${one}`));
  return known.versions.includes(version)
    ? { kind: known.kind, findings: [] }
    : { kind: known.kind, ...schemaError(["apiVersion"], `is ${show(apiVersion)}: must be ${oneOf(versions)}`) };
}

function schemaError(path: Path, message: string): { readonly findings: readonly Finding[] } {
  return { findings: [{ severity: "error", code: codes.schema, path, message }] };
}

/** A kind without effect here. One that is nearly the name of another of its group is taken for a slip. */
function unknownKind(apiVersion: string, kind: string): Finding {
  const group = groupOf(apiVersion);
  const path = ["kind"];
  const notYet = kindsNotYet[group] ?? [];
  const ours = Object.values(kinds).flatMap((one) => (one.group === group ? [one.kind] : []));
  const likely = notYet.includes(kind) ? undefined : nearest(kind, [...ours, ...notYet]);
  if (likely !== undefined) {
    const message = `is ${show(kind)}: ${apiVersion} has no such kind; did you mean "${likely}"?`;
    return { severity: "error", code: codes.schema, path, message };
  }
  return notYet.includes(kind) || group.endsWith(".istio.io")
    ? {
        severity: "warning",
        code: codes.noEffect,
        path,
        message: `is ${show(kind)} of ${group}, which has no effect yet`,
      }
    : {
        severity: "info",
        code: codes.noEffect,
        path,
        message: `is ${show(kind)} of ${apiVersion}, which does not concern the mesh`,
      };
}

function check<K extends Kind>(
  kind: K,
  value: unknown,
): { readonly object?: AnyObject; readonly findings: readonly Finding[] } {
  const { schema } = kinds[kind];
  const prepared = withoutNulls(schema, value);
  const notes = fieldNotes(schema, prepared).map(
    ({ severity, path, text }): Finding => ({
      severity,
      code: severity === "error" ? codes.schema : codes.noEffect,
      path,
      message: text,
    }),
  );
  const { data, error } = schema.safeParse(prepared, { error: issueText });
  const errors = (error?.issues ?? []).flatMap((issue) => findingsOf(schema, issue));
  if (data === undefined || notes.some(({ severity }) => severity === "error"))
    return { findings: [...errors, ...notes] };
  const { meta, spec, remarks = [] } = data;
  const object = { kind, meta, spec } as AnyObject; // a KindSchema<K> gives what MeshObject<K> needs
  return { object, findings: [...notes, ...remarks] };
}

function findingsOf(schema: z.core.$ZodType, issue: z.core.$ZodIssue): Finding[] {
  const path = issue.path.map((key) => (typeof key === "number" ? key : String(key)));
  const finding = (at: Path, message: string): Finding => ({
    severity: "error",
    code: codes.schema,
    path: at,
    message,
  });
  if (issue.code === "unrecognized_keys") {
    const known = knownFields(schema, path);
    return issue.keys.map((key) => finding([...path, key], unknownFieldText(key, known)));
  }
  if (issue.code === "invalid_key") return issue.issues.map(({ message }) => finding(path, message));
  return [finding(path, issue.message)];
}

const ranks = { error: 0, warning: 1, info: 2 };

/** Errors first; then as they stand in the file, else as found. */
function byRank(a: Problem, b: Problem): number {
  const rank = ranks[a.severity] - ranks[b.severity];
  if (rank !== 0 || !a.place || !b.place) return rank;
  return a.place.line - b.place.line || a.place.column - b.place.column;
}
