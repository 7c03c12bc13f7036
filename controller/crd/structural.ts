import * as z from "zod";

type Json = Readonly<Record<string, unknown>>;

/** What Kubernetes' JSONSchemaProps and zod have in common; anything else must be thought about first. */
const kept = [
  ...["type", "description", "enum", "format", "pattern", "nullable", "required"],
  ...["minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "maxProperties"],
];

/** zod's bounds of a whole number that has none. */
const unbounded: readonly unknown[] = [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];

/**
 * What a schema takes, as a structural schema of Kubernetes: no references, one type at each place, and whatever is not
 * known is dropped by the API server instead of refused.
 *
 * @throws where the schema uses something that has no structural form yet: a fault of the program
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
 */
export function structuralSchema(schema: z.core.$ZodType): Json {
  const { $schema: _, ...root } = z.toJSONSchema(schema, {
    io: "input",
    target: "openapi-3.0",
    unrepresentable: "any",
    reused: "inline",
  });
  return node(root, "");
}

function node(schema: Json, path: string): Json {
  const { properties, additionalProperties, items, propertyNames: _, ...own } = schema;
  const entries = Object.entries(own).filter(([key, value]) => !(isBound(key) && unbounded.includes(value)));
  for (const [key] of entries)
    if (!kept.includes(key) && !key.startsWith("x-kubernetes-"))
      throw new Error(`${path || "the schema"} has ${key}, which has no structural form here`);
  return {
    ...Object.fromEntries(entries),
    ...(isWhole(own) && { type: "integer" }),
    ...(isJson(properties) && { properties: mapValues(properties, path) }),
    ...values(additionalProperties, path),
    ...(isJson(items) && { items: node(items, `${path}[]`) }),
  };
}

/** Of a mapping with any keys. `false` says that there are none but `properties`, which a structural schema means anyway. */
function values(additionalProperties: unknown, path: string): Json {
  if (!isJson(additionalProperties)) return {};
  return Object.keys(additionalProperties).length === 0
    ? { "x-kubernetes-preserve-unknown-fields": true }
    : { additionalProperties: node(additionalProperties, `${path}{}`) };
}

function mapValues(properties: Json, path: string): Json {
  return Object.fromEntries(
    Object.entries(properties).map(([key, value]) => [key, node(isJson(value) ? value : {}, `${path}.${key}`)]),
  );
}

/** zod calls a choice of numbers a number. */
function isWhole({ type, enum: choices }: Json): boolean {
  return type === "number" && Array.isArray(choices) && choices.every(Number.isInteger);
}

function isBound(key: string): boolean {
  return key === "minimum" || key === "maximum";
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
