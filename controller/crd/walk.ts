import * as z from "zod";

// Reading a schema beside a value: what is at a path, which fields are known, what a null means.

/** Fields that Istio has and Sluice does not act on; the text is what to know or do. */
const noEffect = z.registry<{ readonly severity: "error" | "warning"; readonly text: string }>();

/** A field of Istio's that has no effect yet: using it is a warning, the rest of the object counts. */
export function notYet(text = "has no effect yet", held: Held = "anything") {
  const schema = holding(held).describe("Known, without effect yet.");
  noEffect.add(schema, { severity: "warning", text });
  return schema;
}

/** A field of Istio's that can't be left out without changing what the object means: using it is an error. */
export function refused(text: string, held: Held = "anything") {
  const schema = holding(held).describe("Known, not supported yet.");
  noEffect.add(schema, { severity: "error", text });
  return schema;
}

/** What Istio has in such a field. */
type Held = "anything" | "text" | "a mapping" | "a list of mappings";

const free = { "x-kubernetes-preserve-unknown-fields": true };

/** For the API server: it keeps what is inside, so that there is something to warn of. */
const heldTypes: Readonly<Record<Held, Readonly<Record<string, unknown>>>> = {
  anything: free,
  text: { type: "string" },
  "a mapping": { type: "object", ...free },
  "a list of mappings": { type: "array", items: { type: "object", ...free } },
};

function holding(held: Held) {
  return z.unknown().optional().meta(heldTypes[held]);
}

export interface FieldNote {
  readonly severity: "error" | "warning";
  readonly path: readonly (string | number)[];
  readonly text: string;
}

/** What there is to say of the fields in `value` that are known but not implemented. */
export function fieldNotes(
  schema: z.core.$ZodType,
  value: unknown,
  path: readonly (string | number)[] = [],
): FieldNote[] {
  const note = noEffect.get(schema);
  if (note) return [{ ...note, path }];
  return children(schema, value).flatMap(([key, child, item]) => fieldNotes(child, item, [...path, key]));
}

/** A copy without the fields that are null: `timeout:` with nothing behind it is not set, as in Kubernetes. */
export function withoutNulls(schema: z.core.$ZodType, value: unknown): unknown {
  const inner = bare(schema);
  const items = children(inner, value).map(([key, child, item]) => [key, withoutNulls(child, item)] as const);
  if (Array.isArray(value) && inner instanceof z.ZodArray) return items.map(([, item]) => item);
  if (!(inner instanceof z.ZodObject || inner instanceof z.ZodRecord) || !isObject(value)) return value;
  const known = new Map(items);
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) =>
      item === null && inner instanceof z.ZodObject ? [] : [[key, known.has(key) ? known.get(key) : item]],
    ),
  );
}

/** The names of the fields that an object at `path` can have; empty where there is none. */
export function knownFields(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  let inner = bare(schema);
  for (const key of path) {
    const next = childSchema(inner, key);
    if (!next) return [];
    inner = bare(next);
  }
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

function children(schema: z.core.$ZodType, value: unknown): [string | number, z.core.$ZodType, unknown][] {
  const inner = bare(schema);
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : isObject(value)
      ? Object.entries(value)
      : [];
  return entries.flatMap(([key, item]) => {
    const child = childSchema(inner, key);
    return child ? [[key, child, item]] : [];
  });
}

function childSchema(schema: z.core.$ZodType, key: PropertyKey): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodObject) return Object.hasOwn(schema.shape, key) ? schema.shape[String(key)] : undefined;
  if (schema instanceof z.ZodArray) return typeof key === "number" ? schema.element : undefined;
  return schema instanceof z.ZodRecord ? schema.valueType : undefined;
}

/** The schema inside `optional`, `default` and `transform`. */
function bare(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return bare(schema.unwrap());
  return schema instanceof z.ZodPipe ? bare(schema.in) : schema;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
