import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from "yaml";
import { codes } from "../model/codes.ts";
import type { Path, Place, Problem } from "../model/problem.ts";
import { fieldsOf, identityOf, type RawObject } from "../model/raw-object.ts";

/** What a file of YAML or JSON holds. */
export interface FileContent {
  readonly objects: readonly RawObject[];
  /** Of the text itself; what is wrong with an object is found later. */
  readonly problems: readonly Problem[];
  /** False where a part can't be read, so that objects may be there which are not in `objects`. */
  readonly whole: boolean;
}

/**
 * Reads the documents of a file (JSON is YAML); `kind: List` is unpacked, empty documents are skipped.
 *
 * @param file the name that places show
 */
export function readDocuments(text: string, file: string): FileContent {
  const lineCounter = new LineCounter();
  // Kubernetes' tools know merge keys (<<), YAML 1.2 itself doesn't.
  const parsed = parseAllDocuments(text, { lineCounter, merge: true, prettyErrors: false });
  const contents = [...parsed].map((document) => readDocument(document, { file, lineCounter }));
  return {
    objects: contents.flatMap(({ objects }) => objects),
    problems: contents.flatMap(({ problems }) => problems),
    whole: contents.every(({ whole }) => whole),
  };
}

interface Source {
  readonly file: string;
  readonly lineCounter: LineCounter;
}

function readDocument(document: Document.Parsed, source: Source): FileContent {
  const problems = [
    ...firstOfLines(document.errors, source).map((error) => syntaxProblem("error", error, source)),
    ...document.warnings.map((warning) => syntaxProblem("warning", warning, source)),
  ];
  if (document.errors.length > 0) return { objects: [], problems, whole: false };
  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    // thrown for aliases that would grow without bound
    const message = `can't be read as YAML: ${error instanceof Error ? error.message : String(error)}`;
    const place = placeAt(document.range[0], source);
    return {
      objects: [],
      problems: [...problems, { severity: "error", code: codes.unreadable, place, message }],
      whole: false,
    };
  }
  if (value === null || value === undefined) return { objects: [], problems, whole: true };
  const locate = (path: Path): Place => placeAt(offsetOf(document, path), source);
  const objects = unpack({ value, origin: { file: source.file, locate } });
  return { objects, problems, whole: objects.every((object) => identityOf(object.value) !== undefined) };
}

interface Complaint {
  readonly code: string;
  readonly message: string;
  readonly pos: readonly [number, number];
}

/** One complaint a line: the others are about what the first has left. */
function firstOfLines<T extends Complaint>(complaints: readonly T[], { lineCounter }: Source): readonly T[] {
  const lines = complaints.map(({ pos }) => lineCounter.linePos(pos[0]).line);
  return complaints.filter((_, i) => lines.indexOf(lines[i] ?? 0) === i);
}

const hints: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: "; this key stands a second time here, remove one",
  TAB_AS_INDENT: "; indent with spaces",
};

function syntaxProblem(severity: "error" | "warning", { code, message, pos }: Complaint, source: Source): Problem {
  const text = message.replace(/\.?$/, "").replace(/^./, (letter) => letter.toLowerCase());
  return {
    severity,
    code: codes.unreadable,
    place: placeAt(pos[0], source),
    message: `can't be read as YAML: ${text}${hints[code] ?? ""}`,
  };
}

function placeAt(offset: number, { file, lineCounter }: Source): Place {
  const { line, col } = lineCounter.linePos(offset);
  return { file, line: Math.max(1, line), column: Math.max(1, col) };
}

/** The items of a List, each with its own origin; anything else is itself. */
function unpack(raw: RawObject): readonly RawObject[] {
  const { kind, items } = fieldsOf(raw.value);
  if (typeof kind !== "string" || !kind.endsWith("List") || !Array.isArray(items)) return [raw];
  return items.flatMap((value: unknown, i) => {
    const { origin } = raw;
    return unpack({
      value,
      ...(origin && { origin: { ...origin, locate: (path) => origin.locate(["items", i, ...path]) } }),
    });
  });
}

/**
 * Where a field stands in the text: at its value if that is a single one, else at its key, since a block begins on the next
 * line. Of a path that does not exist, the nearest parent that does.
 */
function offsetOf(document: Document.Parsed, path: Path): number {
  let node = resolved(document.contents, document);
  let offset = node?.range?.[0] ?? document.range[0];
  for (const key of path) {
    const next =
      isSeq(node) && typeof key === "number"
        ? itemOf(node.items[key])
        : isMap(node)
          ? pairOf(node.items, key)
          : undefined;
    if (!next) break;
    offset = next.offset ?? offset;
    node = resolved(next.value, document);
  }
  return offset;
}

interface Step {
  readonly value: unknown;
  readonly offset: number | undefined;
}

function itemOf(item: unknown): Step | undefined {
  return item === undefined ? undefined : { value: item, offset: startOf(item) };
}

function pairOf(
  items: readonly { readonly key: unknown; readonly value: unknown }[],
  key: string | number,
): Step | undefined {
  const pair = items.find((one) => isScalar(one.key) && String(one.key.value) === String(key));
  if (!pair) return undefined;
  const single = (isScalar(pair.value) && pair.value.value !== null) || isAlias(pair.value);
  return { value: pair.value, offset: startOf(single ? pair.value : pair.key) };
}

function startOf(node: unknown): number | undefined {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range?.[0] : undefined;
}

function resolved(node: unknown, document: Document.Parsed): Node | undefined {
  if (isAlias(node)) return node.resolve(document);
  return isMap(node) || isSeq(node) || isScalar(node) ? node : undefined;
}
