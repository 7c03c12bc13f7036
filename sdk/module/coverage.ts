// What the counters of an instrumented module stand for: the content, as JSON, of its custom section.

/** Name of the section. */
export const coverageSection = "sluice.coverage";

/** Export that gives the address of the counters: 32-bit words, one after the other. */
export const coverageExport = "sluice_coverage";

/** Lines from 1, columns from 0. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface Place {
  readonly start: Position;
  readonly end: Position;
}

/** Something that runs, and its counter. */
export interface Counted {
  readonly place: Place;
  readonly counter: number;
}

/** One of several ways: of `if`, `? :` or `switch`. */
export interface Branch {
  readonly type: "if" | "cond-expr" | "switch";
  readonly place: Place;
  readonly ways: readonly Counted[];
  /** Of an `if` without `else`: the counter of the statement, for how often its condition was false. */
  readonly whole?: number;
}

/** What is counted of one source. */
export interface SourceCoverage {
  /** Relative to where the compiler ran. */
  readonly path: string;
  readonly statements: readonly Counted[];
  readonly functions: readonly (Counted & { readonly name: string })[];
  readonly branches: readonly Branch[];
}

export interface CoverageMap {
  /** Number of counters. */
  readonly counters: number;
  readonly sources: readonly SourceCoverage[];
}
