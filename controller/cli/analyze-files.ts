import { parseObject } from "../crd/parse-object.ts";
import { buildMesh } from "../mesh/build-mesh.ts";
import { ObjectStore } from "../mesh/object-store.ts";
import type { MeshSettings } from "../model/mesh.ts";
import { type AnyObject, type MeshObject, refOf, refText } from "../model/object.ts";
import { type Problem, problemText } from "../model/problem.ts";
import { fieldsOf, type RawObject } from "../model/raw-object.ts";
import { readDocuments } from "../sources/documents.ts";
import { combine } from "../sources/file-set.ts";

export interface TextFile {
  /** As places name it. */
  readonly file: string;
  readonly text: string;
}

export interface FileAnalysis {
  readonly files: readonly TextFile[];
  /** Of objects that name none. */
  readonly namespace: string;
  /** The objects of a cluster, on which the files are put; empty: the files stand alone. */
  readonly cluster: readonly unknown[];
  readonly settings: MeshSettings;
  /** All that is wrong with the modules of plugins and their configuration. */
  readonly tryModules: (plugins: readonly MeshObject<"WasmPlugin">[]) => Promise<readonly Problem[]>;
}

/**
 * What is wrong with the objects of files, by the checks of the control plane, and what they would break in the cluster.
 * What shows only on a proxy is not found. With a cluster, modules of `file://` are not tried: those are files of its
 * controller.
 */
export async function analyzeFiles(analysis: FileAnalysis): Promise<readonly Problem[]> {
  const { files, namespace, cluster, settings, tryModules } = analysis;
  const contents = files.map(({ text, file }) => readDocuments(text, file));
  const placed = contents.map((content) => ({
    content: { ...content, objects: content.objects.map((object) => inNamespace(object, namespace)) },
    missing: false,
  }));
  const { objects, problems } = combine(placed);
  const parsed = objects.map(parseObject);
  const own = new Set(parsed.flatMap(({ ref }) => (ref ? [refText(ref)] : [])));
  const isOwn = ({ object }: Pick<Problem, "object">): boolean => object !== undefined && own.has(refText(object));
  const there = new ObjectStore().update(cluster.map((value) => parseObject({ value })));
  const store = new ObjectStore();
  const mine = store.update(parsed);
  const others = there.filter((object) => !isOwn({ object: refOf(object) }));
  const known = new Set(problemsIn(there, settings).map(problemText));
  const inMesh = problemsIn([...others, ...mine], settings);
  const plugins = mine.filter((object) => object.kind === "WasmPlugin");
  const triable = plugins.filter(({ spec }) => cluster.length === 0 || !spec.url.startsWith("file:"));
  const found = [
    ...problems,
    ...parsed.flatMap((one) => one.problems),
    ...(await tryModules(triable)),
    ...inMesh.filter((problem) => isOwn(problem) || !known.has(problemText(problem))),
  ];
  return found.map((problem) => store.located(problem));
}

function inNamespace({ value, ...rest }: RawObject, namespace: string): RawObject {
  const object = fieldsOf(value);
  const metadata = fieldsOf(object["metadata"]);
  return object["metadata"] === undefined || metadata["namespace"]
    ? { value, ...rest }
    : { value: { ...object, metadata: { ...metadata, namespace } }, ...rest };
}

function problemsIn(objects: readonly AnyObject[], settings: MeshSettings): readonly Problem[] {
  return buildMesh({ objects, plugins: [], settings, generation: 0 }).problems;
}
