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
  /** The first is the one that an API server stores. */
  readonly versions: readonly string[];
  /** From a whole object, as YAML has it. */
  readonly schema: z.ZodType<Checked<K>>;
  /** How an API server shows objects of a kind that we bring. */
  readonly shown?: Shown;
}

/** What is in a CustomResourceDefinition beside the schema. */
export interface Shown {
  /** What it is for. */
  readonly description: string;
  /** `vs` */
  readonly shortNames?: readonly string[];
  /** Between name and age. */
  readonly columns?: readonly Column[];
  /** Of a `status` that has more than conditions. */
  readonly status?: z.ZodType;
}

/** A column of `kubectl get`. */
export interface Column {
  /** kubectl writes it in capitals. */
  readonly name: string;
  readonly type: "string" | "integer";
  readonly jsonPath: string;
  /** 0: always there; 1: only with `-o wide`. Default: 0. */
  readonly priority?: 0 | 1;
}

export interface Remark {
  readonly severity: Exclude<Problem["severity"], "error">;
  readonly code: string;
  readonly path: Path;
  readonly message: string;
}

/** Versions of networking.istio.io; they have the same fields. */
export const networking = { group: "networking.istio.io", versions: ["v1", "v1beta1", "v1alpha3"] } as const;
