import type * as z from "zod";
import { pluralOf } from "../model/resource-name.ts";
import type { Column, KindSchema, Shown } from "./kind-schema.ts";
import { kinds } from "./kinds.ts";
import { conditionsStatus } from "./status.ts";
import { structuralSchema } from "./structural.ts";

/** What tells an API server of a kind. */
export interface CustomResourceDefinition {
  readonly apiVersion: "apiextensions.k8s.io/v1";
  readonly kind: "CustomResourceDefinition";
  /** `wasmplugins.extensions.istio.io` */
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly scope: "Namespaced";
    readonly names: Names;
    readonly versions: readonly Version[];
  };
}

interface Names {
  readonly kind: string;
  readonly listKind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames?: readonly string[];
  readonly categories: readonly string[];
}

interface Version {
  readonly name: string;
  readonly served: true;
  readonly storage: boolean;
  readonly subresources: { readonly status: Record<string, never> };
  readonly schema: { readonly openAPIV3Schema: Readonly<Record<string, unknown>> };
  readonly additionalPrinterColumns: readonly (Omit<Column, "type"> & { readonly type: Column["type"] | "date" })[];
}

/** One for each kind that is not Kubernetes' own, from the schema that also checks files; sorted by name. */
export function crds(): readonly CustomResourceDefinition[] {
  return Object.values(kinds)
    .filter(({ group }) => group.endsWith(".istio.io"))
    .map(definitionOf)
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

type AnyKindSchema = Pick<KindSchema<never>, "group" | "versions" | "shown"> & {
  readonly kind: string;
  readonly schema: z.ZodType;
};

/** All versions of a kind have the same fields, so that nothing has to convert them. */
function definitionOf({ kind, group, versions, schema, shown }: AnyKindSchema): CustomResourceDefinition {
  const plural = pluralOf(kind);
  const shared = {
    served: true,
    subresources: { status: {} },
    schema: { openAPIV3Schema: rootSchema(schema, shown) },
    additionalPrinterColumns: [...(shown?.columns ?? []), age],
  } as const;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        ...(shown?.shortNames && { shortNames: shown.shortNames }),
        categories: ["istio-io", `${group.split(".", 1)[0]}-istio-io`],
      },
      versions: versions.map((name, i) => ({ name, storage: i === 0, ...shared })),
    },
  };
}

const age = { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" } as const;

/** Metadata is the API server's own; a status can have more than we write: Istio's CRDs leave room too. */
function rootSchema(schema: z.ZodType, shown: Shown | undefined): Readonly<Record<string, unknown>> {
  const { properties, required } = structuralSchema(schema) as {
    readonly properties: { readonly spec: Readonly<Record<string, unknown>> };
    readonly required: readonly string[];
  };
  const status = structuralSchema(shown?.status ?? conditionsStatus);
  return {
    type: "object",
    ...(shown && { description: shown.description }),
    ...(required.includes("spec") && { required: ["spec"] }),
    properties: {
      spec: { ...properties.spec, ...(shown && { description: shown.description }) },
      status: {
        ...status,
        description: "What the control plane has made of it.",
        "x-kubernetes-preserve-unknown-fields": true,
      },
    },
  };
}
