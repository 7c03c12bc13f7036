import type * as z from "zod";
import type { Kind, Meta, Specs } from "../model/object.ts";
import type { Path, Problem } from "../model/problem.ts";

/** A valid object as its schema leaves it. */
export interface Checked<K extends Kind> {
  readonly meta: Meta;
  readonly spec: Specs[K];
  /** What a user should know of it. */
  readonly remarks?: readonly Remark[];
}

/** A resource kind: where it belongs and the one schema that checks it and reads it into the model. */
export interface KindSchema<K extends Kind> {
  readonly kind: K;
  /** Empty for Kubernetes' core group. */
  readonly group: string;
  readonly versions: readonly string[];
  /** From a whole object, as YAML has it. */
  readonly schema: z.ZodType<Checked<K>>;
}

export interface Remark {
  readonly severity: Exclude<Problem["severity"], "error">;
  readonly code: string;
  readonly path: Path;
  readonly message: string;
}

/** Versions of networking.istio.io; they have the same fields. */
export const networking = { group: "networking.istio.io", versions: ["v1", "v1beta1", "v1alpha3"] } as const;
