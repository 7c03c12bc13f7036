import { fieldsOf } from "../model/raw-object.ts";
import type { KubeObject, ObjectMeta } from "./api.ts";

type Json = Readonly<Record<string, unknown>>;

/** kubectl's copy of the whole object. */
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/**
 * What the mesh reads of an object. Of a pod that is a tenth. What changes without meaning anything here (a kubelet's
 * report, our own status, the version) is left out too, so that two looks at an unchanged object are equal.
 */
export function trim({ apiVersion, kind, metadata, ...rest }: KubeObject): KubeObject {
  return { apiVersion, kind, metadata: trimMeta(kind, metadata), ...trimBody(kind, rest) };
}

const keptMeta = ["namespace", "uid", "generation", "creationTimestamp", "deletionTimestamp", "labels"];

function trimMeta(kind: string, metadata: ObjectMeta): ObjectMeta {
  const annotations = { ...metadata.annotations };
  delete annotations[lastApplied];
  return {
    name: metadata.name,
    ...pick(metadata, ...keptMeta),
    ...(Object.keys(annotations).length > 0 && { annotations }),
    ...(kind === "Pod" && pick(metadata, "ownerReferences")),
  };
}

function trimBody(kind: string, { spec, status, ...rest }: Json): Json {
  switch (kind) {
    case "Namespace":
      return {};
    case "Pod":
      return { spec: podSpec(fieldsOf(spec)), status: podStatus(fieldsOf(status)) };
    case "CustomResourceDefinition":
      return { spec: definitionSpec(fieldsOf(spec)), status: pick(fieldsOf(status), "conditions") };
    default:
      return spec === undefined ? rest : { ...rest, spec };
  }
}

function podSpec(spec: Json): Json {
  const containers = listOf(spec["containers"]).map((container) => pick(fieldsOf(container), "name", "ports"));
  const sidecars = listOf(spec["initContainers"]).map(fieldsOf).filter(isSidecar);
  const initContainers = sidecars.map((container) => pick(container, "name", "ports", "restartPolicy"));
  return { ...pick(spec, "serviceAccountName"), containers, ...(initContainers.length > 0 && { initContainers }) };
}

/** Of init containers, those that go on: they may have ports. */
function isSidecar({ restartPolicy, ports }: Json): boolean {
  return restartPolicy === "Always" && ports !== undefined;
}

function podStatus(status: Json): Json {
  const conditions = listOf(status["conditions"]).map(fieldsOf);
  return {
    ...pick(status, "phase", "podIP"),
    conditions: conditions.filter(({ type }) => type === "Ready").map((one) => pick(one, "type", "status")),
  };
}

/** Without the schemas, which are most of it. */
function definitionSpec({ group, names, versions }: Json): Json {
  const served = listOf(versions).map((version) => pick(fieldsOf(version), "name", "served"));
  return { group, names: pick(fieldsOf(names), "kind", "plural"), versions: served };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function pick(fields: Json, ...names: readonly string[]): Json {
  return Object.fromEntries(names.flatMap((name) => (fields[name] === undefined ? [] : [[name, fields[name]]])));
}
