// Compiles AssemblyScript for tests, against raw imports.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { kept } from "../../../test/support/kept.ts";

const flags = ["--outFile", "module.wasm", "--runtime", "stub", "--exportStart", "_initialize", "--debug", "-O"];

/** The module of a source text; where it aborts it traps without a word. */
export async function compile(source: string): Promise<Uint8Array> {
  const files = { readFile: (name: string) => (name === "module.ts" ? source : null) };
  return await kept("raw", `${flags}\0${source}`, () => run(["module.ts", ...flags, "--use", "abort="], files));
}

/** The module that does what its configuration says: see its source. */
export async function compilePuppet(): Promise<Uint8Array> {
  const files = ["puppet", "env", "wasi_snapshot_preview1"].map(pathOf);
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8")));
  const source = pathOf("puppet");
  const args = [source, ...flags, "--baseDir", "/", "--use", `abort=${source.slice(1, -3)}/onAbort`];
  return await kept("puppet", [flags, ...texts].join("\0"), () => run(args, {}));
}

function pathOf(name: string): string {
  return fileURLToPath(new URL(`assembly/${name}.ts`, import.meta.url));
}

async function run(args: string[], files: { readFile?: (name: string) => string | null }): Promise<Uint8Array> {
  const asc = await import("assemblyscript/asc");
  let bytes: Uint8Array | undefined;
  const writeFile = (_name: string, contents: string | Uint8Array) => {
    if (typeof contents !== "string") bytes = contents;
  };
  const { error, stderr } = await asc.main(args, { ...files, writeFile });
  if (error !== null || bytes === undefined) throw new Error(`the test module does not compile: ${stderr.toString()}`);
  return bytes;
}
