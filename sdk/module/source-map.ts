// Source maps of modules, version 3: one line of mappings, whose columns are offsets in the module's file.
// @see https://tc39.es/ecma426/

/** From an offset on, until the next one's. */
interface Mapping {
  readonly offset: number;
  /** `file:line:column`, the latter two from 1. */
  readonly place: string;
}

/** Where the instructions of a module come from. */
export class SourceMap {
  readonly #mappings: readonly Mapping[];

  private constructor(mappings: readonly Mapping[]) {
    this.#mappings = mappings;
  }

  /** Reads a map's text; undefined if it is none. */
  static parse(text: string): SourceMap | undefined {
    try {
      const { sources, mappings }: { sources?: unknown; mappings?: unknown } = JSON.parse(text);
      if (!Array.isArray(sources) || typeof mappings !== "string") return undefined;
      return new SourceMap([...decode(mappings, sources.map(String))]);
    } catch {
      return undefined;
    }
  }

  /** `file:line:column` of the instruction at an offset of the module's file; undefined where there is none. */
  placeOf(offset: number): string | undefined {
    return this.#mappings.findLast((mapping) => mapping.offset <= offset)?.place;
  }
}

function* decode(mappings: string, sources: readonly string[]): Generator<Mapping> {
  let [offset, source, line, column] = [0, 0, 0, 0];
  for (const segment of mappings.split(",")) {
    const [offsetBy = 0, sourceBy, lineBy = 0, columnBy = 0] = decodeVlqs(segment);
    offset += offsetBy;
    if (sourceBy === undefined) continue; // code that comes from nowhere
    source += sourceBy;
    line += lineBy;
    column += columnBy;
    yield { offset, place: `${sources[source]}:${line + 1}:${column + 1}` };
  }
}

const base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Numbers of five bits a digit, least first; the least bit of all is the sign. */
function decodeVlqs(text: string): number[] {
  const values: number[] = [];
  let [value, scale] = [0, 1];
  for (const character of text) {
    const digit = base64.indexOf(character);
    value += (digit & 31) * scale;
    scale *= 32;
    if (digit & 32) continue;
    values.push(value % 2 ? -(value - 1) / 2 : value / 2);
    [value, scale] = [0, 1];
  }
  return values;
}
