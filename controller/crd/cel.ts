import type * as z from "zod";

/**
 * A rule that the API server checks itself, in CEL. It speaks before our own webhook does, so it says the same sentence.
 *
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules
 */
export interface CelRule {
  /** True where all is well; `self` is the value. */
  readonly rule: string;
  readonly message: string;
  /** A CEL expression for a message with the value in it; `message` is said where it fails. */
  readonly messageExpression?: string;
  /** The field below `self` that is wrong: `.endpoints`. */
  readonly fieldPath?: string;
}

/** The same schema, with rules for the CRD. What they refuse, the schema itself must refuse too: files have no CEL. */
export function withCel<S extends z.ZodType>(schema: S, ...rules: readonly CelRule[]): S {
  return schema.meta({ "x-kubernetes-validations": rules });
}

/** A list whose entries the API server tells apart by one field, and refuses a second one of. */
export function mapByKey<S extends z.ZodArray>(schema: S, key: string): S {
  return schema.meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key] });
}
