// Compiles AssemblyScript for tests, against raw imports.
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const flags = ["--outFile", "module.wasm", "--runtime", "stub", "--exportStart", "_initialize", "--debug", "-O"];

/** The module of a source text; where it aborts it traps without a word. */
export async function compile(source: string): Promise<Uint8Array> {
  return await run(["module.ts", ...flags, "--use", "abort="], {
    readFile: (name: string) => (name === "module.ts" ? source : null),
  });
}

/** The module that does what its configuration says: see its source. */
export async function compilePuppet(): Promise<Uint8Array> {
  const source = fileURLToPath(new URL("assembly/puppet.ts", import.meta.url));
  return await run([source, ...flags, "--baseDir", "/", "--use", `abort=${source.slice(1, -3)}/onAbort`], {});
}

async function run(args: string[], files: { readFile?: (name: string) => string | null }): Promise<Uint8Array> {
  let bytes: Uint8Array | undefined;
  const writeFile = (_name: string, contents: string | Uint8Array) => {
    if (typeof contents !== "string") bytes = contents;
  };
  const { error, stderr } = await asc.main(args, { ...files, writeFile });
  if (error !== null || bytes === undefined) throw new Error(`the test module does not compile: ${stderr.toString()}`);
  return bytes;
}
