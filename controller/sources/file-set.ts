import { codes } from "../model/codes.ts";
import type { Problem } from "../model/problem.ts";
import { identityOf, type RawObject } from "../model/raw-object.ts";
import type { FileContent } from "./documents.ts";

/** All objects of a set of folders at one moment. */
export interface FileBatch {
  /** In the order of their files; each stands here once. What has not changed is the same value as before. */
  readonly objects: readonly RawObject[];
  /** Of files and their texts; what is wrong with an object is found later. */
  readonly problems: readonly Problem[];
}

/**
 * The content of a changed file. While a part of it can't be read, objects that stood in it before and are missing now
 * stay as they were: a slip of the pen removes nothing.
 */
export function succeed(before: FileContent | undefined, now: FileContent): FileContent {
  if (now.whole || !before) return now;
  const present = new Set(now.objects.map(keyOf));
  const kept = before.objects.filter((object) => {
    const key = keyOf(object);
    return key !== undefined && !present.has(key);
  });
  return { ...now, objects: [...now.objects, ...kept] };
}

/** What a file says that lost its content: an empty file is one that is being written. */
export function emptyFile(before: FileContent | undefined, file: string): FileContent {
  if (!before || before.objects.length === 0) return { objects: [], problems: [], whole: true };
  const message = "is empty: the objects that it had stay in force; delete the file to remove them";
  return { objects: before.objects, problems: [fileProblem("warning", file, message)], whole: false };
}

/** What a file says that can't be read any more. */
export function unreadableFile(before: FileContent | undefined, file: string, reason: string): FileContent {
  const kept = before?.objects ?? [];
  const message = `can't be read: ${reason}${kept.length > 0 ? "; its objects stay in force" : ""}`;
  return { objects: kept, problems: [fileProblem("error", file, message)], whole: false };
}

/** A problem of a file as a whole. */
export function fileProblem(severity: Problem["severity"], file: string, message: string): Problem {
  return { severity, code: codes.unreadable, place: { file, line: 1, column: 1 }, message };
}

/** A file at one look. */
export interface SeenFile {
  readonly content: FileContent;
  /** It was not found, but may come back: see {@link combine}. */
  readonly missing: boolean;
}

/**
 * All files together. Of objects that stand in several places, the first counts and the others are named; but one in a
 * missing file gives way, as it may have been moved.
 */
export function combine(files: readonly SeenFile[]): FileBatch {
  const found = new Set(files.flatMap(({ content, missing }) => (missing ? [] : content.objects.map(keyOf))));
  const isMoved = (object: RawObject): boolean => found.has(keyOf(object));
  const contents = files.map(({ content, missing }) =>
    missing ? { ...content, objects: content.objects.filter((object) => !isMoved(object)) } : content,
  );
  const first = new Map<string, RawObject>();
  const problems: Problem[] = [];
  const objects = contents
    .flatMap((content) => content.objects)
    .filter((object) => {
      const key = keyOf(object);
      const known = key === undefined ? undefined : first.get(key);
      if (known) problems.push(duplicateProblem(object, known));
      else if (key !== undefined) first.set(key, object);
      return known === undefined;
    });
  return { objects, problems: [...contents.flatMap((content) => content.problems), ...problems] };
}

function duplicateProblem(object: RawObject, known: RawObject): Problem {
  const identity = identityOf(object.value);
  const place = object.origin?.locate(["metadata", "name"]);
  const other = known.origin?.locate(["metadata", "name"]);
  const where = other ? `${other.file}:${other.line}:${other.column}` : "another place";
  return {
    severity: "error",
    code: codes.duplicateObject,
    ...(place && { place }),
    message: `${identity?.kind} ${identity?.namespace}/${identity?.name} stands already in ${where}, and that one counts; remove one of them`,
  };
}

function keyOf({ value }: RawObject): string | undefined {
  const identity = identityOf(value);
  return identity && `${identity.group}/${identity.kind} ${identity.namespace}/${identity.name}`;
}
