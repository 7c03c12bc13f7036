import { CST, type Document, isSeq, Parser, parseDocument, visit } from "yaml";
import { type Injection, type InjectionRequest, injectPod } from "../inject/inject-pod.ts";
import type { PatchOperation } from "../inject/patch.ts";
import { type Json, objectsOf, textOf } from "../inject/pod.ts";
import { fieldsOf, groupOf } from "../model/raw-object.ts";

export interface InjectedText {
  readonly text: string;
  /** What is said of objects, each a line that names its object. */
  readonly warnings: readonly string[];
  /** Why objects can't be injected; with one of them `text` must not be used. */
  readonly problems: readonly string[];
}

type Surroundings = Pick<InjectionRequest, "settings" | "images">;

/** API group of the kinds that have pods, and where their pod stands. */
const kinds: Readonly<Record<string, { readonly group: string; readonly template: readonly string[] }>> = {
  Pod: { group: "", template: [] },
  ReplicationController: { group: "", template: ["spec", "template"] },
  Deployment: { group: "apps", template: ["spec", "template"] },
  StatefulSet: { group: "apps", template: ["spec", "template"] },
  DaemonSet: { group: "apps", template: ["spec", "template"] },
  ReplicaSet: { group: "apps", template: ["spec", "template"] },
  Job: { group: "batch", template: ["spec", "template"] },
  CronJob: { group: "batch", template: ["spec", "jobTemplate", "spec", "template"] },
};

/**
 * Gives the pods of all workloads in a text their proxies, in Lists too, as the webhook would. What stands between
 * documents, and documents without workloads, keep their bytes; in the others only what injection changes is written
 * anew, with comments kept.
 *
 * @param text YAML without errors, or JSON
 */
export function injectDocuments(text: string, surroundings: Surroundings): InjectedText {
  const parts = [...new Parser().parse(text)].map((token): InjectedText => {
    const source = CST.stringify(token);
    const same = { text: source, warnings: [], problems: [] };
    return token.type === "document" ? (injectDocument(source, surroundings) ?? same) : same;
  });
  return {
    text: parts.map((part) => part.text).join(""),
    warnings: parts.flatMap(({ warnings }) => warnings),
    problems: parts.flatMap(({ problems }) => problems),
  };
}

/** `undefined`: nothing is changed and nothing is to be said. */
function injectDocument(source: string, surroundings: Surroundings): InjectedText | undefined {
  const document: Document = parseDocument(source, { merge: true, intAsBigInt: true }); // numbers as they are written
  const value: unknown = parseDocument(source, { merge: true }).toJS();
  const found = workloadsIn(value, []).map((workload) => ({
    workload,
    injection: injectWorkload(workload, surroundings),
  }));
  if (found.length === 0) return undefined;
  const changes = found.flatMap(({ workload, injection }) =>
    injection.outcome === "injected" ? injection.patch.map((operation) => ({ ...operation, at: workload.path })) : [],
  );
  // a change of what an alias stands for would change both
  if (hasAliases(document)) document.contents = document.createNode(value, { aliasDuplicateObjects: false });
  for (const { at, ...operation } of changes) change(document, at, operation);
  const isJson = /^\s*\{/.test(source);
  const form = {
    lineWidth: 0,
    defaultStringType: "QUOTE_DOUBLE",
    defaultKeyType: isJson ? "QUOTE_DOUBLE" : "PLAIN",
  } as const;
  return {
    text: changes.length > 0 ? document.toString(form) : source,
    warnings: found.flatMap(({ workload, injection }) =>
      warningsOf(injection).map((line) => `${workload.name}: ${line}`),
    ),
    problems: found.flatMap(({ workload, injection }) =>
      injection.outcome === "refused" ? injection.problems.map((line) => `${workload.name}: ${line}`) : [],
    ),
  };
}

interface WorkloadObject {
  /** `Deployment shop/cart` */
  readonly name: string;
  readonly object: Json;
  readonly kind: string;
  /** Of the pod or its template, from the document's root. */
  readonly path: readonly (string | number)[];
  readonly pod: Json;
}

function workloadsIn(value: unknown, path: readonly (string | number)[]): readonly WorkloadObject[] {
  const object = fieldsOf(value);
  const kind = textOf(object["kind"]);
  if (kind.endsWith("List"))
    return objectsOf(object["items"]).flatMap((item, i) => workloadsIn(item, [...path, "items", i]));
  const { group, template } = kinds[kind] ?? {};
  if (template === undefined || groupOf(textOf(object["apiVersion"])) !== group) return [];
  const { namespace, name, generateName } = fieldsOf(object["metadata"]);
  const named = [textOf(namespace), textOf(name) || textOf(generateName)].filter((part) => part !== "").join("/");
  const pod = template.reduce<Json>((parent, key) => fieldsOf(parent[key]), object);
  return [{ name: `${kind} ${named}`, object, kind, path: [...path, ...template], pod }];
}

/** As a namespace would that asks for proxies: whoever runs the command does. */
function injectWorkload({ object, kind, pod }: WorkloadObject, surroundings: Surroundings): Injection {
  const { name, namespace } = fieldsOf(object["metadata"]);
  return injectPod({
    ...surroundings,
    pod,
    namespace: { name: textOf(namespace), labels: { "istio-injection": "enabled" } },
    ...(kind !== "Pod" && { owner: { apiVersion: textOf(object["apiVersion"]), kind, name: textOf(name) } }),
  });
}

function warningsOf(injection: Injection): readonly string[] {
  if (injection.outcome === "refused") return [];
  return injection.outcome === "skipped"
    ? [...injection.warnings, `stays as it is: ${injection.reason}`]
    : injection.warnings;
}

function hasAliases(document: Document): boolean {
  let found = false;
  visit(document, {
    Alias() {
      found = true;
      return visit.BREAK;
    },
  });
  return found;
}

/** Does one operation of a JSON Patch on a document. @param at where the patched value stands */
function change(document: Document, at: readonly (string | number)[], operation: PatchOperation): void {
  const keys = operation.path.split("/").slice(1);
  const path = [...at];
  for (const key of keys.map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))) {
    path.push(isSeq(document.getIn(path, true)) && key !== "-" ? Number(key) : key);
  }
  if (operation.op === "remove") return void document.deleteIn(path);
  const node = document.createNode(operation.value, { aliasDuplicateObjects: false });
  if (path.at(-1) === "-") document.addIn(path.slice(0, -1), node);
  else document.setIn(path, node);
}
