import { describe, expect, test } from "vitest";
import * as z from "zod";
import { pluralOf } from "../model/resource-name.ts";
import { crds } from "./definitions.ts";
import { structuralSchema } from "./structural.ts";

type Json = Readonly<Record<string, unknown>>;

const definitions = crds();
const named = definitions.map((definition) => [definition.metadata.name, definition] as const);

function rootOf(name: string): Json {
  const definition = definitions.find(({ metadata }) => metadata.name === name);
  return definition?.spec.versions[0]?.schema.openAPIV3Schema ?? {};
}

/** A part of a schema by its names: `spec.match[].ports`, `spec.labels{}`. */
function part(name: string, path: string): Json {
  return path.split(/\.|(?=\[\]|\{\})/).reduce<Json>((schema, step) => {
    const at = { "[]": schema["items"], "{}": schema["additionalProperties"] }[step];
    return (at ?? (schema["properties"] as Json)[step]) as Json;
  }, rootOf(name));
}

describe("kinds", () => {
  test.each`
    kind                 | name                                      | versions                         | shortNames
    ${"DestinationRule"} | ${"destinationrules.networking.istio.io"} | ${["v1", "v1beta1", "v1alpha3"]} | ${["dr"]}
    ${"Gateway"}         | ${"gateways.networking.istio.io"}         | ${["v1", "v1beta1", "v1alpha3"]} | ${["gw"]}
    ${"ServiceEntry"}    | ${"serviceentries.networking.istio.io"}   | ${["v1", "v1beta1", "v1alpha3"]} | ${["se"]}
    ${"Sidecar"}         | ${"sidecars.networking.istio.io"}         | ${["v1", "v1beta1", "v1alpha3"]} | ${undefined}
    ${"VirtualService"}  | ${"virtualservices.networking.istio.io"}  | ${["v1", "v1beta1", "v1alpha3"]} | ${["vs"]}
    ${"WorkloadEntry"}   | ${"workloadentries.networking.istio.io"}  | ${["v1", "v1beta1", "v1alpha3"]} | ${["we"]}
    ${"Telemetry"}       | ${"telemetries.telemetry.istio.io"}       | ${["v1", "v1alpha1"]}            | ${["telemetry"]}
    ${"WasmPlugin"}      | ${"wasmplugins.extensions.istio.io"}      | ${["v1alpha1"]}                  | ${undefined}
  `("$kind is $name, stored as the first of $versions", ({ kind, name, versions, shortNames }) => {
    const { spec } = definitions.find(({ metadata }) => metadata.name === name) ?? {};
    expect(spec?.names.kind).toBe(kind);
    expect(spec?.names.shortNames).toEqual(shortNames);
    expect(spec?.names.categories).toEqual(["istio-io", `${spec?.group.split(".")[0]}-istio-io`]);
    expect(spec?.versions.map((version) => version.name)).toEqual(versions);
    expect(spec?.versions.filter(({ storage }) => storage).map((version) => version.name)).toEqual([versions[0]]);
  });

  test("Kubernetes' own have none", () => {
    expect(definitions.filter(({ spec }) => !spec.group.endsWith(".istio.io"))).toEqual([]);
  });

  test.each([
    ["Gateway", "gateways"],
    ["AuthorizationPolicy", "authorizationpolicies"],
    ["Telemetry", "telemetries"],
    ["EndpointSlice", "endpointslices"],
  ])("%s are %s", (kind, plural) => expect(pluralOf(kind)).toBe(plural));
});

describe("schemas", () => {
  test.each(named)("%s says of each field what it holds", (_, { spec }) => {
    const untyped: string[] = [];
    const visit = (schema: Json, path: string): void => {
      const typed = typeof schema["type"] === "string" || schema["x-kubernetes-preserve-unknown-fields"] === true;
      if (!typed || ("additionalProperties" in schema && "properties" in schema)) untyped.push(path);
      for (const [key, value] of Object.entries((schema["properties"] ?? {}) as Json))
        visit(value as Json, `${path}.${key}`);
      if (schema["items"]) visit(schema["items"] as Json, `${path}[]`);
      if (schema["additionalProperties"]) visit(schema["additionalProperties"] as Json, `${path}{}`);
    };
    for (const version of spec.versions) visit(version.schema.openAPIV3Schema, version.name);
    expect(untyped).toEqual([]);
  });

  test.each(named)(
    "kubectl explain has a sentence on each field of %s that its name does not explain",
    (_, { spec }) => {
      const silent: string[] = [];
      const visit = (schema: Json, path: string): void => {
        for (const [key, value] of Object.entries((schema["properties"] ?? {}) as Json)) {
          const { description } = value as Json;
          if (!description && !["name", "number", "labels", "matchLabels"].includes(key)) silent.push(`${path}.${key}`);
          visit(value as Json, `${path}.${key}`);
        }
        if (schema["items"]) visit(schema["items"] as Json, `${path}[]`);
        if (schema["additionalProperties"]) visit(schema["additionalProperties"] as Json, `${path}{}`);
      };
      for (const version of spec.versions) visit(version.schema.openAPIV3Schema, version.name);
      expect(silent).toEqual([]);
    },
  );

  test.each`
    kind                                      | field                                       | schema
    ${"wasmplugins.extensions.istio.io"}      | ${"spec.phase"}                             | ${{ type: "string", enum: ["AUTHN", "AUTHZ", "STATS", "UNSPECIFIED_PHASE"] }}
    ${"wasmplugins.extensions.istio.io"}      | ${"spec.pluginConfig"}                      | ${{ type: "object", "x-kubernetes-preserve-unknown-fields": true }}
    ${"wasmplugins.extensions.istio.io"}      | ${"spec.priority"}                          | ${{ type: "integer", minimum: -2147483648, maximum: 2147483647, nullable: true }}
    ${"wasmplugins.extensions.istio.io"}      | ${"spec.match[].ports[].number"}            | ${{ type: "integer" }}
    ${"wasmplugins.extensions.istio.io"}      | ${"spec.imagePullSecret"}                   | ${{ type: "string" }}
    ${"virtualservices.networking.istio.io"}  | ${"spec.http[].fault"}                      | ${{ "x-kubernetes-preserve-unknown-fields": true }}
    ${"virtualservices.networking.istio.io"}  | ${"spec.http[].redirect.redirectCode"}      | ${{ type: "integer", enum: [301, 302, 303, 307, 308] }}
    ${"virtualservices.networking.istio.io"}  | ${"spec.http[].match[].headers{}.prefix"}   | ${{ type: "string" }}
    ${"destinationrules.networking.istio.io"} | ${"spec.subsets[].labels{}"}                | ${{ type: "string" }}
    ${"serviceentries.networking.istio.io"}   | ${"status.conditions[].lastTransitionTime"} | ${{ type: "string", format: "date-time" }}
  `("$kind: $field", ({ kind, field, schema }) => {
    const { description: _, ...rest } = part(kind, field);
    expect(rest).toEqual(schema);
  });

  test("what can't be said in a structural schema is found", () => {
    expect(() => structuralSchema(z.strictObject({ port: z.union([z.int(), z.string()]) }))).toThrow(
      ".port has anyOf, which has no structural form here",
    );
    expect(() => structuralSchema(z.strictObject({ port: z.int().default(80) }))).toThrow(".port has default");
  });
});

test("columns of a WasmPlugin", () => {
  const plugin = definitions.find(({ spec }) => spec.names.kind === "WasmPlugin");
  const columns = plugin?.spec.versions[0]?.additionalPrinterColumns ?? [];
  const shown = columns.filter(({ priority = 0 }) => priority === 0).map(({ name }) => name);
  expect(shown).toEqual(["Accepted", "Programmed", "Degraded", "Proxies", "Digest", "Age"]);
  expect(Object.keys(part("wasmplugins.extensions.istio.io", "status")["properties"] as Json)).toEqual([
    "conditions",
    "observedGeneration",
    "proxies",
    "digest",
  ]);
});
