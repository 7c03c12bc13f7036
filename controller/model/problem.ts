import { type Ref, refText } from "./object.ts";

/** A place in a file. `line` and `column` count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Keys and indices from an object's root, as the user wrote it: `["spec", "http", 0, "timeout"]`. */
export type Path = readonly (string | number)[];

/**
 * Something a user should know of their configuration. An `error` leaves the object, or the part named by `path`, out;
 * a `warning` says what is ignored or doubtful; `info` needs no action.
 *
 * `code` is Istio's where Istio has one (`IST0101`, istio/pkg/config/analysis/msg), else ours (`SLU…`).
 */
export interface Problem {
  readonly severity: "error" | "warning" | "info";
  readonly code: string;
  readonly object?: Ref;
  readonly path?: Path;
  /** Filled in by the source that read the object; absent where there is no file. */
  readonly place?: Place;
  /** What is wrong and what to do, without the place: `is "10": a unit is missing; write "10s" or "10m"`. */
  readonly message: string;
}

/** `spec.http[0].timeout` */
export function pathText(path: Path): string {
  return path.map((part, i) => (typeof part === "number" ? `[${part}]` : i === 0 ? part : `.${part}`)).join("");
}

/** One line: `mesh/cart.yaml:14:15 WasmPlugin shop/cart-budget: spec.url is "x": …`; the same in CLI, status and log. */
export function problemText(problem: Problem): string {
  const place = problem.place && `${problem.place.file}:${problem.place.line}:${problem.place.column} `;
  const object = problem.object && `${refText(problem.object)}: `;
  const path = problem.path && problem.path.length > 0 && `${pathText(problem.path)} `;
  return `${place || ""}${object || ""}${path || ""}${problem.message}`;
}
