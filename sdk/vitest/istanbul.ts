// Counters as Istanbul has them, which vitest reports.
import type { Counters } from "../host/index.ts";

type ByNumber<T> = Record<string, T>;
type Place = Counters["map"]["sources"][number]["statements"][number]["place"];

/** Coverage of one file. @see istanbul-lib-coverage FileCoverageData */
export interface FileCoverage {
  readonly path: string;
  readonly statementMap: ByNumber<Place>;
  readonly fnMap: ByNumber<{ readonly name: string; readonly decl: Place; readonly loc: Place; readonly line: number }>;
  readonly branchMap: ByNumber<{
    readonly type: string;
    readonly loc: Place;
    readonly locations: readonly Place[];
    readonly line: number;
  }>;
  readonly s: ByNumber<number>;
  readonly f: ByNumber<number>;
  readonly b: ByNumber<number[]>;
}

/** What a VM has counted, by file. @param absolute a path as the compiler had it -> where the file is */
export function fileCoverages({ map, counts }: Counters, absolute: (path: string) => string): readonly FileCoverage[] {
  const counted = counts();
  const count = (counter: number) => counted[counter] ?? 0;
  const sources = map.sources.filter(({ statements, functions }) => statements.length + functions.length > 0);
  return sources.map(({ path, statements, functions, branches }) => ({
    path: absolute(path),
    statementMap: numbered(statements.map(({ place }) => place)),
    fnMap: numbered(functions.map(({ name, place }) => ({ name, decl: place, loc: place, line: place.start.line }))),
    branchMap: numbered(
      branches.map(({ type, place, ways, whole }) => {
        const locations = ways.map((way) => way.place);
        return {
          type,
          loc: place,
          locations: whole === undefined ? locations : [...locations, place],
          line: place.start.line,
        };
      }),
    ),
    s: numbered(statements.map(({ counter }) => count(counter))),
    f: numbered(functions.map(({ counter }) => count(counter))),
    b: numbered(
      branches.map(({ ways, whole }) => {
        const taken = ways.map(({ counter }) => count(counter));
        return whole === undefined ? taken : [...taken, count(whole) - (taken[0] ?? 0)];
      }),
    ),
  }));
}

/** Adds what another VM of the same module has counted. */
export function addCounts(sum: FileCoverage, { s, f, b }: FileCoverage): void {
  for (const [id, count] of Object.entries(s)) sum.s[id] = (sum.s[id] ?? 0) + count;
  for (const [id, count] of Object.entries(f)) sum.f[id] = (sum.f[id] ?? 0) + count;
  for (const [id, counts] of Object.entries(b)) sum.b[id] = counts.map((count, way) => count + (sum.b[id]?.[way] ?? 0));
}

function numbered<T>(items: readonly T[]): ByNumber<T> {
  return Object.fromEntries(items.map((item, i) => [String(i), item]));
}
