// One filter's sources -> module bytes.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Parser, Program } from "assemblyscript";
import type { Transform } from "assemblyscript/asc";
import { type CoverageMap, coverageSection } from "../module/coverage.ts";
import type { Attachment } from "../module/manifest.ts";
import { asc } from "./compiler.ts";
import { instrument } from "./coverage.ts";
import { withCustomSection, withoutCustomSection } from "./custom-sections.ts";
import { dropUnusedCallbacks } from "./overrides.ts";
import { guardLogs } from "./quiet-logs.ts";
import { refuseSharedState } from "./shared-state.ts";
import { typeConfig } from "./typed-config.ts";

/** What the compiler made of a filter. */
export type Compilation =
  | {
      readonly ok: true;
      readonly bytes: Uint8Array;
      readonly sourceMap: string;
      readonly attach: readonly Attachment[];
      /** JSON Schema of the configuration; absent where no class has `@config`. */
      readonly configSchema?: Readonly<Record<string, unknown>>;
      readonly messages: string;
    }
  | { readonly ok: false; readonly messages: string };

/** Name of an entry file that exists only for the compiler: the filter for its effects, the SDK for its exports. */
const ENTRY = "filter.ts";

/**
 * Compiles a filter with the flags of the asconfig.json in `root`.
 *
 * @param root   directory that paths are relative to, as compile errors show them
 * @param source the filter's `assembly/index.ts`, relative to root, with forward slashes
 * @param options `coverage`: the filter's own sources count what runs; default false
 * @returns the bytes and their source map, or the compiler's errors with source frames as it prints them; warnings in either case
 */
export async function compile(
  root: string,
  source: string,
  { coverage = false }: { readonly coverage?: boolean } = {},
): Promise<Compilation> {
  const entry = `import "./${source.replace(/\.ts$/, "")}";\nexport * from "@sluice/sdk/assembly/exports";\n`;
  const messages = asc.createMemoryStream();
  let attach: readonly Attachment[] = [];
  let configSchema: ReturnType<typeof typeConfig>;
  let counted: CoverageMap | undefined;
  const transform: Pick<Transform, "afterParse" | "afterInitialize"> = {
    afterParse(parser: Parser) {
      refuseSharedState(parser);
      if (coverage) counted = instrument(parser, ENTRY);
      guardLogs(parser);
      configSchema = typeConfig(parser);
    },
    afterInitialize(program: Program) {
      flagProblem = flagProblemOf(program);
      attach = dropUnusedCallbacks(program);
    },
  };
  let flagProblem: string | undefined;
  let bytes: Uint8Array | undefined;
  let sourceMap = "";
  const { error } = await asc.main([ENTRY, "--baseDir", root, "--outFile", "filter.wasm", "--sourceMap"], {
    stdout: messages,
    stderr: messages,
    readFile: (name, base) => (name === ENTRY ? entry : read(resolve(base, name))),
    writeFile: (_, contents) => {
      if (typeof contents === "string") sourceMap = contents;
      else bytes = contents;
    },
    listFiles: () => null,
    transforms: [transform as Transform], // asc adds the other members
  });
  if (error || !bytes) return { ok: false, messages: messages.toString() || String(error) };
  if (flagProblem !== undefined) return { ok: false, messages: `asconfig.json: ${flagProblem}` };
  const module = withoutCustomSection(bytes, "sourceMappingURL");
  return {
    ok: true,
    bytes: counted
      ? withCustomSection(module, coverageSection, new TextEncoder().encode(JSON.stringify(counted)))
      : module,
    sourceMap,
    attach,
    ...(configSchema && { configSchema }),
    messages: messages.toString(),
  };
}

/** What a repository's asconfig.json must not change of the SDK's. */
function flagProblemOf({ options }: Program): string | undefined {
  if (options.noAssert) return "noAssert: a null would be read as memory at address 0; leave it out";
  if (options.exportRuntime) return "bindings or exportRuntime: nobody in Envoy calls what they export; leave them out";
  return undefined;
}

/** A file's text; null where there is none, as the compiler looks in several places. */
async function read(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return null;
  }
}
