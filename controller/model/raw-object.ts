import type { AnyObject, Ref } from "./object.ts";
import type { Path, Place, Problem } from "./problem.ts";

/** One object as its source has it: plain JavaScript values, nothing checked yet. Equal content may be the same value. */
export interface RawObject {
  readonly value: unknown;
  /** Absent for objects that come from no file. */
  readonly origin?: Origin;
}

/** Where in a file an object stands. */
export interface Origin {
  /** As the user named the folder, and the path below it: `mesh/cart.yaml`. */
  readonly file: string;
  /** Where a field stands; of a path that does not exist, the nearest parent that does. */
  locate(path: Path): Place;
}

/** What parsing made of a raw object. */
export interface ParsedObject {
  readonly raw: RawObject;
  /** Absent where not even kind, namespace and name can be read, and for kinds that Sluice does not know. */
  readonly ref?: Ref;
  /** Absent where there are errors. */
  readonly object?: AnyObject;
  /** With object, path and, where the object has an origin, place. */
  readonly problems: readonly Problem[];
}

/** Namespace of objects that name none. */
export const defaultNamespace = "default";

/** The API group: `networking.istio.io` of `networking.istio.io/v1`; empty for Kubernetes' core group (`v1`). */
export function groupOf(apiVersion: string): string {
  return apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
}

export interface Identity {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Reads which object a value claims to be, whatever else is wrong with it; `undefined` where a part is missing. */
export function identityOf(value: unknown): Identity | undefined {
  const { apiVersion, kind, metadata } = fieldsOf(value);
  const { name, namespace } = fieldsOf(metadata);
  if (typeof apiVersion !== "string" || typeof kind !== "string" || typeof name !== "string") return undefined;
  return {
    group: groupOf(apiVersion),
    kind,
    namespace: typeof namespace === "string" && namespace !== "" ? namespace : defaultNamespace,
    name,
  };
}

/** The fields of a mapping; none of anything else. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return isMapping(value) ? value : {};
}

export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
