// Golden cases: a folder with `in.yaml`, whose first document says which proxy and which modules there are and whose
// others are the mesh, and with what becomes of it.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import * as z from "zod";
import { parseObject } from "../../crd/parse-object.ts";
import { buildMesh } from "../../mesh/build-mesh.ts";
import type { Mesh } from "../../model/mesh.ts";
import { defaultSettings } from "../../model/mesh.ts";
import { nodeId } from "../../model/names.ts";
import { type Problem, problemText } from "../../model/problem.ts";
import type { Proxy } from "../../model/proxy.ts";
import type { Snapshot } from "../../model/resource.ts";
import type { Module } from "../../model/wasm-plugin.ts";
import { readDocuments } from "../../sources/documents.ts";
import { jsonOf } from "./json.ts";
import * as model from "./model.ts";

const folder = join(import.meta.dirname, "..", "testdata");

/** Names of all cases. */
export const cases: readonly string[] = readdirSync(folder).toSorted();

/** Path of a file of a case. */
export function caseFile(name: string, file: string): string {
  return join(folder, name, file);
}

export interface Case {
  readonly mesh: Mesh;
  readonly proxy: Proxy;
}

const moduleOptions = z.strictObject({
  attach: z.array(z.enum(["downstream", "upstream", "network"])),
  capabilities: z.array(z.string()),
});

const options = z.strictObject({
  proxy: z.strictObject({
    type: z.enum(["sidecar", "router"]),
    ip: z.string(),
    name: z.string(),
    namespace: z.string(),
    labels: z.record(z.string(), z.string()),
    workload: z.string(),
    interception: z.enum(["REDIRECT", "NONE"]).default("NONE"),
  }),
  /** By the plugin's url. */
  modules: z.record(z.string(), moduleOptions).default({}),
  telemetry: moduleOptions.optional(),
});

const settings = defaultSettings;

/** @throws where the input itself is wrong: that is what `crd` is tested for */
export function readCase(name: string): Case {
  const text = readFileSync(caseFile(name, "in.yaml"), "utf8");
  const end = text.indexOf("\n---\n");
  const { proxy, modules, telemetry } = options.parse(parse(text.slice(0, end)));
  const parsed = readDocuments(text.slice(end), `${name}/in.yaml`).objects.map(parseObject);
  const errors = parsed.flatMap(({ problems }) => problems).filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new Error(errors.map(problemText).join("\n"));
  const objects = parsed.flatMap(({ object }) => (object ? [object] : []));
  const plugins = objects
    .filter((object) => object.kind === "WasmPlugin")
    .map((object) => {
      const found = modules[object.spec.url];
      return found ? { object, module: module(found) } : { object };
    });
  const input = { objects, plugins, settings, generation: 1, ...(telemetry ? { telemetry: module(telemetry) } : {}) };
  const id = nodeId({ ...proxy, domain: settings.domain });
  return { mesh: buildMesh(input).mesh, proxy: model.proxy({ ...proxy, id, serviceAccount: proxy.workload }) };
}

function module(parts: Pick<Module, "attach" | "capabilities">): Module {
  return model.module({ bytes: emptyModule, ...parts });
}

/** The smallest module that Envoy takes: memory, an allocator that traps, and the mark of its ABI. */
const emptyModule = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x09, 0x02, 0x60, 0x00, 0x00, 0x60, 0x01, 0x7f, 0x01, 0x7f], // types: () -> (), (i32) -> i32
  ...[0x03, 0x03, 0x02, 0x00, 0x01], // a function of each
  ...[0x05, 0x03, 0x01, 0x00, 0x01], // memory of one page
  ...exportsOf([
    ["memory", 0x02, 0x00],
    ["proxy_abi_version_0_2_1", 0x00, 0x00],
    ["proxy_on_memory_allocate", 0x00, 0x01],
  ]),
  ...[0x0a, 0x08, 0x02, 0x02, 0x00, 0x0b, 0x03, 0x00, 0x00, 0x0b], // bodies: nothing; unreachable
]);

function exportsOf(all: readonly (readonly [name: string, kind: number, index: number])[]): number[] {
  const entries = all.flatMap(([name, kind, index]) => [name.length, ...new TextEncoder().encode(name), kind, index]);
  return [0x07, entries.length + 1, all.length, ...entries];
}

const outputs = { clusters: "CDS", endpoints: "EDS", listeners: "LDS", routes: "RDS", slots: "ECDS" } as const;

/** Content of each output file of a case. */
export function render(resources: Snapshot, problems: readonly Problem[]): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const [file, type] of Object.entries(outputs)) {
    const messages = jsonOf(resources, type);
    files.set(`out.${file}.yaml`, stringify(messages, { lineWidth: 120, aliasDuplicateObjects: false }));
  }
  const texts = problems.map((problem) => `${problem.severity} ${problem.code} ${problemText(problem)}`);
  files.set("problems.yaml", stringify(texts.toSorted(), { lineWidth: 0 }));
  return files;
}
