import { fieldsOf } from "../model/raw-object.ts";

/** A JSON object as the API server has it. What is not known here is kept as it is. */
export type Json = Readonly<Record<string, unknown>>;

/** Texts by name: labels, annotations. */
export type Texts = Readonly<Record<string, string>>;

/** What injection reads of a pod. Anything missing, or not of its form, is empty: the API server says what is wrong with it. */
export interface PodView {
  /** Empty until the API server makes one from `generateName`. */
  readonly name: string;
  readonly generateName: string;
  /** Empty in most pod templates. */
  readonly namespace: string;
  readonly labels: Texts;
  readonly annotations: Texts;
  readonly owners: readonly Json[];
  readonly metadata: Json;
  readonly spec: Json;
  readonly containers: readonly Json[];
  readonly initContainers: readonly Json[];
  readonly volumes: readonly Json[];
}

export function viewOf(pod: Json): PodView {
  const metadata = fieldsOf(pod["metadata"]);
  const spec = fieldsOf(pod["spec"]);
  return {
    name: textOf(metadata["name"]),
    generateName: textOf(metadata["generateName"]),
    namespace: textOf(metadata["namespace"]),
    labels: textsOf(metadata["labels"]),
    annotations: textsOf(metadata["annotations"]),
    owners: objectsOf(metadata["ownerReferences"]),
    metadata,
    spec,
    containers: objectsOf(spec["containers"]),
    initContainers: objectsOf(spec["initContainers"]),
    volumes: objectsOf(spec["volumes"]),
  };
}

/** Empty where the value is not a string. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The items of a list of objects; empty where the value is none. */
export function objectsOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.map(fieldsOf) : [];
}

function textsOf(value: unknown): Texts {
  const entries = Object.entries(fieldsOf(value));
  return Object.fromEntries(entries.flatMap(([key, text]) => (typeof text === "string" ? [[key, text]] : [])));
}
