// Types of functions, as short to write as the ABI is regular: nearly everything is i32. For tsc only.

export type ValueType = "i32" | "i64" | "f32" | "f64";

/** Type of a function; both lists may be empty. */
export interface Signature {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** ABI versions that Envoy knows. */
export type AbiVersion = "0.1.0" | "0.2.0" | "0.2.1";

/** Functions by name. */
export type Signatures = Readonly<Record<string, Signature>>;

/** n words in, one out: a status of hostcalls, an action or truth value of callbacks. */
export function word(params: number): Signature {
  return { params: words(params), results: ["i32"] };
}

/** n words in, nothing out. */
export function nothing(params: number): Signature {
  return { params: words(params), results: [] };
}

/** The types in order, a status out. */
export function typed(...params: ValueType[]): Signature {
  return { params, results: ["i32"] };
}

/** `i32 i32 -> i32`, with `void` for none: as Envoy prints it. */
export function formatSignature({ params, results }: Signature): string {
  return `${params.join(" ") || "void"} -> ${results.join(" ") || "void"}`;
}

function words(count: number): ValueType[] {
  return new Array<ValueType>(count).fill("i32");
}
