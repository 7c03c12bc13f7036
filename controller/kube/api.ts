import { groupOf } from "../model/raw-object.ts";
import { pluralOf } from "../model/resource-name.ts";

/** A resource of the API as its paths name it. */
export interface ResourceType {
  /** Empty for Kubernetes' core group. */
  readonly group: string;
  readonly version: string;
  /** `wasmplugins` */
  readonly plural: string;
}

/** Owner of the fields that are written by server-side apply. */
export const fieldManager = "sluice";

/** One object, or a subresource of it. */
export interface Target extends ResourceType {
  /** Absent for what belongs to no namespace. */
  readonly namespace?: string;
  readonly name: string;
  /** `status` */
  readonly subresource?: string;
}

/** An object as the API server has it: all fields, none renamed or dropped. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  /** Changes with every write. */
  readonly resourceVersion?: string;
  /** Counts changes of what users write; those of the status don't count. */
  readonly generation?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

export interface ObjectList {
  readonly items: readonly KubeObject[];
  /** Of the moment that the list shows: a watch can go on from here. */
  readonly resourceVersion: string;
}

/** One line of a watch. A BOOKMARK's object has only a resourceVersion; an ERROR's is a Status. */
export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: KubeObject;
}

/** Where an object is, also of one that came from the API server. */
export function targetOf({ apiVersion, kind, metadata }: Pick<KubeObject, "apiVersion" | "kind" | "metadata">): Target {
  const place = metadata.namespace === undefined ? {} : { namespace: metadata.namespace };
  return { ...typeOf(apiVersion, kind), ...place, name: metadata.name };
}

export function typeOf(apiVersion: string, kind: string): ResourceType {
  const group = groupOf(apiVersion);
  return { group, version: apiVersion.slice(apiVersion.indexOf("/") + 1), plural: pluralOf(kind) };
}

/** `/apis/networking.istio.io/v1/namespaces/shop/gateways/web`; without names, all of a namespace or of the cluster. */
export function pathOf({
  group,
  version,
  plural,
  ...rest
}: ResourceType & Partial<Pick<Target, "namespace" | "name" | "subresource">>): string {
  const { namespace, name, subresource } = rest;
  const parts = [
    ...(group === "" ? ["api", version] : ["apis", group, version]),
    ...(namespace === undefined ? [] : ["namespaces", namespace]),
    plural,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : [subresource]),
  ];
  return parts.map((part) => `/${encodeURIComponent(part)}`).join("");
}
