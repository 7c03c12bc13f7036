import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { chart } from "../controller/install/chart.ts";
import { components } from "../controller/install/components.ts";
import { defaultInstallSettings, type InstallSettings } from "../controller/install/settings.ts";

const folder = join(import.meta.dirname, "../deploy/helm/sluice");
const files = new Map(
  globSync("**/*.yaml", { cwd: folder }).map((path) => [path, readFileSync(join(folder, path), "utf8")]),
);
const { version } = parse(files.get("Chart.yaml") ?? "") as { readonly version: string };

test("the chart is that of the manifests: npm run helm writes it anew", () => {
  expect(files).toEqual(chart(version));
  expect(version).toBe(JSON.parse(readFileSync(join(folder, "../../../controller/package.json"), "utf8")).version);
});

test("no mark of the installation is one that Helm takes for its own", () => {
  expect([...files.values()].join("")).toContain("install.sluice.dev/owner: sluice");
  expect([...files.values()].join("")).not.toContain("app.kubernetes.io/managed-by");
});

/** Helm's part in it: values, the namespace and one condition. Anything else in the templates is an error. */
function rendered(values: InstallSettings, namespace: string): readonly unknown[] {
  const templates = [...files].filter(([path]) => path.startsWith("templates/")).map(([, text]) => text);
  return templates.flatMap((template) => {
    const text = template
      .replace(/^{{- if ne \.Release\.Namespace "([^"]+)" }}{{ fail "([^"]+)" }}{{ end }}$/m, (_, wanted, message) => {
        if (namespace !== wanted) throw new Error(message);
        return "";
      })
      .replace(/^{{- if ne \.Values\.profile "([^"]+)" }}\n([\s\S]*){{- end }}$/m, (_, without, body) =>
        values.profile === without ? "" : body,
      )
      .replaceAll(String.raw`{{ .Values.clusterDomain | replace "." "\\\\." }}`, () =>
        values.clusterDomain.replaceAll(".", String.raw`\\.`),
      )
      .replace(/{{ \.Values\.(\w+) }}/g, (_, name: keyof InstallSettings) => String(values[name]));
    expect(text).not.toContain("{{");
    return parseAllDocuments(text).flatMap((document) => document.toJS() ?? []);
  });
}

describe("rendered", () => {
  const settings = {
    ...defaultInstallSettings(version),
    ...{ hub: "registry.example.com/mesh", tag: "7", clusterDomain: "a.example.com", trustDomain: "b" },
    ...{ certificateTtl: "1h", gatewayNodePort: 31000 },
  };

  test.each(["default", "minimal"])("with profile %s it is what sluice install applies", (profile) => {
    const objects = components({ ...settings, profile }).flatMap((component) => component.objects);
    const apart = ["CustomResourceDefinition", "Namespace"];
    expect(rendered({ ...settings, profile }, "istio-system")).toEqual(
      objects.filter(({ kind }) => !apart.includes(kind)),
    );
  });

  test("its own values are the installer's", () => {
    expect(parse(files.get("values.yaml") ?? "")).toEqual(defaultInstallSettings(version));
  });

  test("it asks for the namespace in which proxies look for their control plane", () => {
    expect(() => rendered(settings, "default")).toThrow("write --namespace istio-system");
  });
});
