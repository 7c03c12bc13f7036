import { fieldsOf, isMapping } from "../model/raw-object.ts";

type Json = Readonly<Record<string, unknown>>;

/** What the API server asks. */
export interface AdmissionRequest {
  readonly uid: string;
  readonly operation: string;
  /** Empty for what belongs to no namespace. */
  readonly namespace: string;
  /** Empty where the API server has yet to make one. */
  readonly name: string;
  /** `status`; empty for the object itself. */
  readonly subresource: string;
  /** As it would be; empty for DELETE. */
  readonly object: Json;
  /** As it is; empty for CREATE. */
  readonly oldObject: Json;
}

/** The answer: let in, as it is or changed, or not. */
export type Verdict =
  | { readonly allowed: true; readonly patch?: readonly object[]; readonly warnings: readonly string[] }
  | { readonly allowed: false; readonly problems: readonly string[]; readonly warnings: readonly string[] };

/**
 * Reads an AdmissionReview of admission.k8s.io/v1.
 *
 * @returns a sentence where it is none
 * @see https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request
 */
export function readReview(body: string): AdmissionRequest | string {
  let review: Json;
  try {
    review = fieldsOf(JSON.parse(body));
  } catch (error) {
    return `the body is no JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
  const { apiVersion, kind, request } = review;
  if (kind !== "AdmissionReview" || apiVersion !== "admission.k8s.io/v1")
    return "the body is no AdmissionReview of admission.k8s.io/v1";
  const { uid, operation, namespace, name, subResource, object, oldObject } = fieldsOf(request);
  if (typeof uid !== "string" || typeof operation !== "string") return "the AdmissionReview has no request";
  if (operation !== "DELETE" && !isMapping(object)) return "the AdmissionReview has no object";
  return {
    uid,
    operation,
    namespace: textOf(namespace),
    name: textOf(name),
    subresource: textOf(subResource),
    object: fieldsOf(object),
    oldObject: fieldsOf(oldObject),
  };
}

/** The AdmissionReview that answers a request. What is refused is told as a 400, as Istio's webhooks do. */
export function writeReview({ uid }: AdmissionRequest, verdict: Verdict): object {
  const warnings = verdict.warnings.map((warning) => warning.replaceAll("\n", " ")); // each becomes a header
  const response = verdict.allowed
    ? { uid, allowed: true, warnings, ...(verdict.patch && patchOf(verdict.patch)) }
    : {
        uid,
        allowed: false,
        warnings,
        status: { code: 400, reason: "BadRequest", message: verdict.problems.join("\n") },
      };
  return { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response };
}

function patchOf(operations: readonly object[]): object {
  return { patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(operations)).toString("base64") };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
