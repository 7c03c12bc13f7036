import { fieldsOf } from "../model/raw-object.ts";

/** One part of what the API server refused. */
export interface Cause {
  /** `spec.url`; empty for the object as a whole. */
  readonly field: string;
  readonly message: string;
}

/**
 * What the API server said instead of doing what it was asked; or that it could not be asked.
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
 */
export class KubeError extends Error {
  /** HTTP status; 0: no answer. */
  readonly code: number;
  /** One word: `NotFound`, `Conflict`, `Forbidden`, ...; `Unreachable` and `Timeout` where there was no answer. */
  readonly reason: string;
  readonly causes: readonly Cause[];
  /** How long the server wants to be left alone, in ms. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    {
      code,
      reason,
      causes = [],
      retryAfterMs,
      cause,
    }: {
      readonly code: number;
      readonly reason: string;
      readonly causes?: readonly Cause[];
      readonly retryAfterMs?: number | undefined;
      readonly cause?: unknown;
    },
  ) {
    super(message, { cause });
    this.name = "KubeError";
    this.code = code;
    this.reason = reason;
    this.causes = causes;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Whether a call failed in this way: `isKubeError(error, 404)`. */
export function isKubeError(error: unknown, code?: number): error is KubeError {
  return error instanceof KubeError && (code === undefined || error.code === code);
}

/** From an answer that is no success. Its body is a Status, but a proxy in between may answer anything. */
export function errorOfAnswer(code: number, body: string, retryAfter?: string): KubeError {
  const retryAfterMs = retryAfter !== undefined && /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : undefined;
  return errorOfStatus(parsed(body), code, retryAfterMs) ?? plain(code, body, retryAfterMs);
}

/** From a Status, also one that came in a watch; `undefined` for anything else. */
export function errorOfStatus(value: unknown, code: number, retryAfterMs?: number): KubeError | undefined {
  const status = fieldsOf(value);
  if (status["kind"] !== "Status") return undefined;
  const { causes } = fieldsOf(status["details"]);
  return new KubeError(String(status["message"] ?? `the API server answered ${code}`), {
    code: typeof status["code"] === "number" ? status["code"] : code,
    reason: String(status["reason"] ?? ""),
    causes: (Array.isArray(causes) ? causes : []).map(causeOf),
    retryAfterMs,
  });
}

function causeOf(value: unknown): Cause {
  const { field, message } = fieldsOf(value);
  return { field: String(field ?? ""), message: String(message ?? "") };
}

function plain(code: number, body: string, retryAfterMs: number | undefined): KubeError {
  const said = body.trim().slice(0, 200);
  return new KubeError(`the API server answered ${code}${said === "" ? "" : `: ${said}`}`, {
    code,
    reason: "",
    retryAfterMs,
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
