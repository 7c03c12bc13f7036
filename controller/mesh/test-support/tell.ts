// The way of YAML as the controller runs it, for tests of what users are told.

import { expect } from "vitest";
import { parseObject } from "../../crd/parse-object.ts";
import { defaultSettings } from "../../model/mesh.ts";
import { type AnyObject, refText } from "../../model/object.ts";
import { type Problem, problemText } from "../../model/problem.ts";
import { readDocuments } from "../../sources/documents.ts";
import { combine } from "../../sources/file-set.ts";
import { buildMesh } from "../build-mesh.ts";
import { ObjectStore } from "../object-store.ts";

const settings = defaultSettings;

export interface Told {
  /** Without infos: `error IST0106 mesh/a.yaml:7:9 …` */
  readonly lines: readonly string[];
  /** What is in force. */
  readonly refs: readonly string[];
}

/** What users are told of these files, `mesh/a.yaml` and so on, from their text to the whole mesh. */
export function tell(...texts: readonly string[]): Told {
  const files = new Map(texts.map((text, i) => [`mesh/${"abc"[i]}.yaml`, text.replace(/^\n/, "")]));
  const seen = [...files].map(([file, text]) => ({ content: readDocuments(text, file), missing: false }));
  const batch = combine(seen);
  const parsed = batch.objects.map(parseObject);
  const store = new ObjectStore();
  const objects = store.update(parsed);
  const built = buildMesh({ objects, plugins: [], settings, generation: 1 });
  const found = [...batch.problems, ...parsed.flatMap((one) => one.problems), ...built.problems];
  const problems = found.map((problem) => store.located(problem));
  for (const problem of problems) expect(pointsAtValue(problem, files), line(problem)).toBe(true);
  return { lines: problems.filter(({ severity }) => severity !== "info").map(line), refs: objects.map(refOf) };
}

/** Whether the text at the place is the value that the message shows; true where it shows none. */
function pointsAtValue({ message, place }: Problem, files: ReadonlyMap<string, string>): boolean {
  const [, shown] = /^is "(.*?)(?:"[,:]|\.\.\.:)/.exec(message) ?? [];
  if (shown === undefined || !place) return true;
  const text =
    files
      .get(place.file)
      ?.split("\n")
      [place.line - 1]?.slice(place.column - 1) ?? "";
  return [shown, `"${shown}`, `'${shown}`].some((start) => text.startsWith(start));
}

export function line(problem: Problem): string {
  return `${problem.severity} ${problem.code} ${problemText(problem)}`;
}

function refOf({ kind, meta: { namespace, name } }: AnyObject): string {
  return refText({ kind, namespace, name });
}

/** A VirtualService whose spec is given, with `catalog` to lead to. */
export function virtualService(spec: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: catalog, namespace: shop}
spec:
${spec.replace(/^\n/, "").replace(/^/gm, "  ")}
---
apiVersion: v1
kind: Service
metadata: {name: catalog, namespace: shop}
spec: {ports: [{name: http, port: 80}]}
`;
}

/** Lines 5 and on. */
export function plugin(spec: string): string {
  return `
apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: {name: p, namespace: shop}
spec:
${spec.replace(/^\n/, "").replace(/^/gm, "  ")}
`;
}
