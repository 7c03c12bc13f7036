// What `sluice module inspect` prints. Names in a module are anybody's text: what would steer a terminal is written as \u{…}.
import { formatSignature, type Signature } from "../../sdk/abi/signatures.ts";
import { formatModuleProblem, type ModuleInspection, type ModuleProblem } from "../../sdk/module/inspect.ts";
import type { Manifest } from "../../sdk/module/manifest.ts";
import { table } from "./table.ts";

/** `-o json`: what an inspection finds, with the module's digest and Envoy's verdict. */
export interface ModuleReport extends Omit<ModuleInspection, "customSections"> {
  /** 64 hex digits: what a WasmPlugin's `sha256` says. */
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly verdict: "accepted" | "refused";
  readonly problems: readonly ModuleProblem[];
}

/** A head, then one block for each part that the module has. */
export function moduleText(report: ModuleReport): string {
  const { sections, imports, exports, capabilities } = report;
  const blocks = [
    table(head(report)),
    report.problems.map((problem) => `${printable(formatModuleProblem(problem))}\n`).join(""),
    settings(report.manifest),
    metrics(report.manifest),
    block(
      ["SECTION", "BYTES"],
      sections.map(({ name, custom, sizeBytes }) => [custom ? `custom ${name}` : name, `${sizeBytes}`]),
    ),
    block(
      ["IMPORT", "TYPE"],
      imports.map(({ module, name, ...type }) => [`${module}.${name}`, typeOf(type)]),
    ),
    block(
      ["EXPORT", "TYPE"],
      exports.map(({ name, ...type }) => [name, typeOf(type)]),
    ),
    block(
      ["CAPABILITY"],
      capabilities.map((name) => [name]),
    ),
  ];
  return blocks.filter(Boolean).join("\n");
}

function head({ sha256, sizeBytes, abi, manifest, verdict, problems }: ModuleReport): string[][] {
  const said = problems.length === 1 ? "1 reason" : `${problems.length} reasons`;
  return [
    ["sha256", sha256],
    ["size", `${sizeBytes} bytes`],
    ["abi", abi ?? "none"],
    ...(manifest
      ? [
          ["filter", printable(`${manifest.name} ${manifest.version}`)],
          ["sdk", printable(`@sluice/sdk ${manifest.sdk}`)],
          ["attach", manifest.attach.join(", ")],
        ]
      : []),
    ["verdict", verdict === "accepted" ? "Envoy would load it" : `Envoy would refuse it, for ${said}:`],
  ];
}

function settings(manifest: Manifest | undefined): string {
  const properties = Object.entries(manifest?.configSchema?.["properties"] ?? {});
  return block(
    ["SETTING", "DEFAULT", "DESCRIPTION"],
    properties.map(([name, schema]: [string, { default?: unknown; description?: unknown } | null]) => [
      name,
      schema?.default === undefined ? "" : JSON.stringify(schema.default),
      String(schema?.description ?? ""),
    ]),
  );
}

function metrics({ metrics: declared = [] }: Partial<Manifest> = {}): string {
  return block(
    ["METRIC", "TYPE", "LABELS", "HELP"],
    declared.map(({ name, type, labels, help = "" }) => [name, type, labels.join(","), help]),
  );
}

/** A table; nothing where it has no rows. */
function block(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? "" : table([titles, ...rows.map((row) => row.map(printable))], 3);
}

function typeOf({ kind, signature }: { readonly kind: string; readonly signature?: Signature }): string {
  return signature ? formatSignature(signature) : kind;
}

function printable(text: string): string {
  return text.replace(/\p{C}/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
