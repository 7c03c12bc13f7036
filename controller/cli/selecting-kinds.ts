import { fieldsOf } from "../model/raw-object.ts";

/** Kinds that select pods: their API group, and what kubectl calls them; the second name is the API's. */
export const selectingKinds = {
  Deployment: { group: "apps", names: ["deployment", "deployments", "deploy"] },
  StatefulSet: { group: "apps", names: ["statefulset", "statefulsets", "sts"] },
  DaemonSet: { group: "apps", names: ["daemonset", "daemonsets", "ds"] },
  ReplicaSet: { group: "apps", names: ["replicaset", "replicasets", "rs"] },
  Service: { group: "", names: ["service", "services", "svc"] },
} as const;

export type SelectingKind = keyof typeof selectingKinds;

/** `undefined` for what is none of these names. */
export function selectingKindOf(name: string): SelectingKind | undefined {
  const kinds = Object.keys(selectingKinds) as SelectingKind[];
  return kinds.find((kind) => selectingKinds[kind].names.some((known) => known === name));
}

/**
 * What the object selects pods by, as a query of the API has it: `app=web,tier in (a,b)`; empty where it selects none.
 *
 * @see Kubernetes, "Labels and Selectors", section "API"
 */
export function selectorText(kind: SelectingKind, object: unknown): string {
  const selector = fieldsOf(fieldsOf(fieldsOf(object)["spec"])["selector"]);
  if (kind === "Service") return equalities(selector);
  const expressions = Array.isArray(selector["matchExpressions"]) ? selector["matchExpressions"] : [];
  return [equalities(fieldsOf(selector["matchLabels"])), ...expressions.map(fieldsOf).map(expressionText)]
    .filter((part) => part !== "")
    .join(",");
}

function equalities(labels: Readonly<Record<string, unknown>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
}

function expressionText({ key, operator, values }: Readonly<Record<string, unknown>>): string {
  if (operator === "Exists") return `${key}`;
  if (operator === "DoesNotExist") return `!${key}`;
  return `${key} ${operator === "In" ? "in" : "notin"} (${Array.isArray(values) ? values.join(",") : ""})`;
}
